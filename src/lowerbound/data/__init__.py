"""Data: what is observed, and everything that happens to it before the model.

`Data` holds named arrays in memory in their own type, and the steps that make raw rows into the data of a
model: missing entries, binarization, dequantization, standardization and scaling, with their log-determinants.
`Data.split` parts the rows; `Data.transform` is what training applies to each gathered row on the device;
`order` and `batch_indices` say which rows those are, as pure functions of seed and step. `digits` is embedded.
"""

from lowerbound.data._batches import batch_indices, order
from lowerbound.data._data import Data, Splits, as_data
from lowerbound.data._digits import digits
from lowerbound.data._parts import Parts
from lowerbound.data._read import Table, names_in, read_table
from lowerbound.data._recipe import Recipe
from lowerbound.data._transform import Transform

__all__ = [
    "Data",
    "Parts",
    "Recipe",
    "Splits",
    "Table",
    "Transform",
    "as_data",
    "batch_indices",
    "digits",
    "names_in",
    "order",
    "read_table",
]
