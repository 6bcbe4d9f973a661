import numpy as np
from scipy.sparse import csr_array

from c2s_assets.core.sentences.coverage import count_silent_cells

IS_GENE = np.array([True, True, False])


def test_cells_that_express_genes_without_symbols_are_silent():
    expression = csr_array(np.array([[1, 0, 0], [0, 2, 1], [0, 0, 5], [0, 0, 0]], np.float32))
    assert count_silent_cells(expression, np.array([1, 0, 0, 0], np.int32), is_gene=IS_GENE) == 1
    assert count_silent_cells(expression, np.array([0, 0, 0, 0], np.int32), is_gene=IS_GENE) == 2


def test_where_every_cell_has_words_none_is_silent():
    expression = csr_array(np.ones((2, 3), np.float32))
    assert count_silent_cells(expression, np.array([1, 2], np.int32), is_gene=IS_GENE) == 0
