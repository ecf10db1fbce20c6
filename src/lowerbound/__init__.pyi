# What type checkers and editors read instead of the lazy lookup in `__init__.py`; `tests/test_front_door.py` keeps the
# two the same.

from lowerbound._version import __version__ as __version__
from lowerbound.data import Data as Data
from lowerbound.data import digits as digits
from lowerbound.dist import mixture as mixture
from lowerbound.drawing import draw as draw
from lowerbound.drawing import explain as explain
from lowerbound.evaluation import Estimate as Estimate
from lowerbound.evaluation import encode as encode
from lowerbound.evaluation import evaluate as evaluate
from lowerbound.evaluation import reconstruct as reconstruct
from lowerbound.evaluation import sample as sample
from lowerbound.model import VAE as VAE
from lowerbound.model import CapturedParameterError as CapturedParameterError
from lowerbound.model import Fixed as Fixed
from lowerbound.model import Input as Input
from lowerbound.model import Joint as Joint
from lowerbound.model import Param as Param
from lowerbound.model import given as given
from lowerbound.objective import ELBO as ELBO
from lowerbound.objective import IWAE as IWAE
from lowerbound.objective import Penalty as Penalty
from lowerbound.training import NonFiniteError as NonFiniteError
from lowerbound.training import fit as fit
