select root, snapshot, lake_state
from built_from;
