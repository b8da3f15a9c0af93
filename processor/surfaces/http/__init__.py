"""What is served over HTTP: metrics, health, and the API.

server       paths outside of the API, start and stop; connections: how many are open
sending      large answers to slow clients
callers      how much of one caller is under way
api          requests to the API, answered by the table of `surfaces.api`
actions      requests with a body
stream       what is new, as server-sent events
hosts        under which names, and from which pages, it may be asked
accepting    which form of an answer is wanted, and whether the client has it already
problems     from errors to answers
openapi      the description of the API
"""

from processor.surfaces.http.api import Api
from processor.surfaces.http.hosts import Hosts
from processor.surfaces.http.server import HttpServer, Page

__all__ = ["Api", "Hosts", "HttpServer", "Page"]
