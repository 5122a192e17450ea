"""The data contract: the one place where a field is declared."""

from loglode.contract.load import built_in_names, load_contract
from loglode.contract.model import Alias, Contract, Field, Goal, Rule
from loglode.contract.reference import describe

__all__ = ["Alias", "Contract", "Field", "Goal", "Rule", "built_in_names", "describe", "load_contract"]
