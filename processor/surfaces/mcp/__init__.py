"""Answers for agents, over the Model Context Protocol: tools that ask what the API is asked.

tools       what may be asked, without the protocol
server      the tools as a server of the official SDK (the extra `mcp`)
endpoint    this server at /mcp, behind the API's own rules of access

Only `server` imports the SDK, and only once somebody asks: it takes a second.
"""

from processor.surfaces.mcp.endpoint import MCP_PATH, McpEndpoint
from processor.surfaces.mcp.tools import Ask, MissingPackageError

__all__ = ["MCP_PATH", "Ask", "McpEndpoint", "MissingPackageError"]
