"""The tools as a server of the official SDK."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import ToolAnnotations
from pydantic import ConfigDict, create_model

from processor import __version__
from processor.core.errors import ProcessorError
from processor.surfaces.api import InvalidParametersError, ParameterProblem
from processor.surfaces.mcp.tools import INSTRUCTIONS, Ask, Tools

_READS: Final = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_NAMES: Final = {
    "window": "period", "filter": "filters", "value": "task_id", "model": "models",
}  # fmt: skip
"""Arguments by the names that the API has for them."""
_LOG_MISTAKES: Final = (
    "mcp.server.runner", "mcp.shared.direct_dispatcher", "mcp.shared.jsonrpc_dispatcher",
)  # fmt: skip
"""What logs a traceback for a prompt that there is not. Tools that fail are logged elsewhere."""


class _OnlyKnown(ArgModelBase):
    """Arguments of a tool that have no others beside them."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


def build_server(ask: Ask) -> MCPServer[Any]:
    """A server whose tools ask `ask`."""
    # It would log each mistake of an agent, who reads it anyway.
    logging.getLogger("mcp").setLevel(logging.WARNING)
    for name in _LOG_MISTAKES:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return MCPServer[Any](
        "llm-cost",
        tools=[_tool(work) for work in Tools(ask).all()],
        title="llm-cost-processor",
        instructions=INSTRUCTIONS,
        version=__version__,
        log_level="WARNING",
        subscriptions=False,
    )


def _tool(work: Callable[..., Awaitable[Any]]) -> Tool:
    tool = Tool.from_function(
        _explained(work),
        name=work.__name__,
        description=work.__doc__,
        annotations=_READS,
        structured_output=True,
    )
    # The SDK passes over arguments that it does not know: one that is misspelt would be answered
    # with the costs of all instead of those that were asked for.
    known = tool.fn_metadata.arg_model
    arguments = create_model(known.__name__, __base__=(_OnlyKnown, known))
    tool.fn_metadata.arg_model = arguments
    tool.parameters = arguments.model_json_schema(by_alias=True)
    return tool


def build_manager(ask: Ask) -> StreamableHTTPSessionManager:
    """The same over HTTP, where hosts, origins and tokens are checked before."""
    server = build_server(ask)
    server.streamable_http_app(
        json_response=True,
        stateless_http=True,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    return server.session_manager


def _explained(work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The same, with what is wrong as an error that an agent reads, with the fix."""

    @wraps(work)
    async def answer(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - as the tool has them
        try:
            return await work(*given, **named)
        except InvalidParametersError as error:
            problems = map(_by_argument, error.problems)
            raise ToolError("\n".join(map(str, problems))) from error
        except ProcessorError as error:
            raise ToolError(str(error)) from error

    return answer


def _by_argument(problem: ParameterProblem) -> ParameterProblem:
    name, bracket, rest = problem.parameter.partition("[")
    return problem.model_copy(update={"parameter": f"{_NAMES.get(name, name)}{bracket}{rest}"})
