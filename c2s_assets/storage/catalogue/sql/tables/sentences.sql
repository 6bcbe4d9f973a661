create view sentences as
select
    dataset_id,
    cell_id,
    cell_sentence,
    n_expressed,
    sentence_length
from files.cell_sentences;
comment on view sentences is 'One row per cell: the symbols it expresses, highest first.';
comment on column sentences.dataset_id is 'Key of the dataset in this lake.';
comment on column sentences.cell_id is 'Cell, as in cells.';
comment on column sentences.cell_sentence is 'Symbols of the expressed genes, highest first, separated by one space.';
comment on column sentences.n_expressed is 'Distinct symbols the cell expresses.';
comment on column sentences.sentence_length is 'Symbols in the sentence.';
