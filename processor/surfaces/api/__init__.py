"""What can be asked, and what is answered, without any transport.

endpoints   the table: routes, OpenAPI, commands and tests are made from it
parameters  what each endpoint takes; reading: from a query, or all that is wrong with it
actions     what is asked with a body, or lets something go; bodies: what is sent
answers     a question for each endpoint, and a document of its answer
feed        what is new, for all who listen
documents   every answer; tables: the same as rows, for CSV
problems    what is wrong with a question
moments     moments as parameters give them
"""

from processor.surfaces.api.actions import ACTIONS, Action, find_action
from processor.surfaces.api.answers import Sources
from processor.surfaces.api.bodies import BODY_MAX_BYTES, Body, body_problem, read_body
from processor.surfaces.api.endpoints import (
    ENDPOINTS,
    PREFIX,
    Endpoint,
    as_kind,
    find_endpoint,
    get,
)
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
    "ACTIONS",
    "BODY_MAX_BYTES",
    "ENDPOINTS",
    "PREFIX",
    "Action",
    "Body",
    "Endpoint",
    "Event",
    "Feed",
    "InvalidParametersError",
    "ParameterProblem",
    "Parameters",
    "ProblemDocument",
    "Sources",
    "Table",
    "as_kind",
    "body_problem",
    "find_action",
    "find_endpoint",
    "get",
    "read_body",
    "read_parameters",
    "table_of",
    "write_csv",
    "write_document",
    "write_json",
]
