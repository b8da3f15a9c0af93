"""What can be asked, and what is answered, without any transport.

endpoints   the table: routes, OpenAPI, commands and tests are made from it
parameters  what each endpoint takes; reading: from a query, or all that is wrong with it
answers     a question for each endpoint, and a document of its answer
feed        what is new, for all who listen
documents   every answer; tables: the same as rows, for CSV
problems    what is wrong with a question
moments     moments as parameters give them
"""

from processor.surfaces.api.answers import Sources
from processor.surfaces.api.endpoints import ENDPOINTS, PREFIX, Endpoint, find_endpoint, get
from processor.surfaces.api.feed import Event, Feed
from processor.surfaces.api.parameters import Parameters
from processor.surfaces.api.problems import (
    InvalidParametersError,
    ParameterProblem,
    ProblemDocument,
)
from processor.surfaces.api.reading import read_parameters
from processor.surfaces.api.tables import Table, table_of, write_csv, write_document, write_json

__all__ = [
    "ENDPOINTS",
    "PREFIX",
    "Endpoint",
    "Event",
    "Feed",
    "InvalidParametersError",
    "ParameterProblem",
    "Parameters",
    "ProblemDocument",
    "Sources",
    "Table",
    "find_endpoint",
    "get",
    "read_parameters",
    "table_of",
    "write_csv",
    "write_document",
    "write_json",
]
