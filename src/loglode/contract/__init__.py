"""The data contract: the one place where a field is declared."""

from loglode.contract.load import load_contract
from loglode.contract.model import Alias, Contract, Field, Goal, Rule
from loglode.contract.reference import describe

__all__ = ["Alias", "Contract", "Field", "Goal", "Rule", "describe", "load_contract"]
