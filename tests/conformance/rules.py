"""What this processor promises as an OTLP receiver, client and gateway, one sentence for each rule.

The numbers are ours; tests are named after them (``test_rule_13_...``), and a test of the house
sees to it that every rule has one. Rules 1 to 42 come from the OTLP specification (1.11), 43 to 50
from its exporter chapter and gRPC's own rules; from 51 on they are stricter than OTLP asks for.
"""

from __future__ import annotations

from typing import Final

RULES: Final[dict[int, str]] = {
    # Transport and sizes
    1: "OTLP is taken over gRPC and over HTTP/1.1, at the three paths of traces, metrics and logs.",
    2: "Requests come plain or gzipped, over both protocols.",
    3: "A limit on size (64 MiB, for JSON 16) holds after decompression; spans are counted too.",
    4: "Over gRPC, too large is RESOURCE_EXHAUSTED without RetryInfo, so that it is not retried.",
    5: "Over HTTP, too large is 413, answered before the body has come.",
    6: "An answer stays small: a long error message of the backend is cut.",
    7: "Nothing larger than the limit is sent; a larger request is split, and an item that is too "
    "large even alone is counted.",
    8: "No more than 4 MiB of a backend's answer are read, after decompression as well.",
    9: "Many requests at once, on one connection or several, are each answered for itself.",
    10: "A compression that is not known is refused for good: 415 that names gzip, and over gRPC "
    "what its library answers (INTERNAL, where the specification has UNIMPLEMENTED).",
    # Success and partial success
    11: "An empty request succeeds, and so does one with empty groups; none are made when "
    "forwarding.",
    12: "Full success leaves partial_success unset.",
    13: "What was rejected is counted exactly in partial_success, with the reason in English.",
    14: "A warning of the backend with nothing rejected comes back as zero and a message.",
    15: "A partial success of the backend is not retried; it is counted, and logged now and then.",
    16: "What the backend rejected is visible in a metric, and passed back to the sender.",
    # Errors
    17: "Only the retryable gRPC codes are retried, RESOURCE_EXHAUSTED with RetryInfo only; all "
    "others are dropped and counted. An answer without a gRPC status is sent again.",
    18: "Overload is UNAVAILABLE with RetryInfo, or 503 with Retry-After; never "
    "RESOURCE_EXHAUSTED, INTERNAL or 429.",
    19: "What cannot be decoded is INVALID_ARGUMENT or 400, with BadRequest details.",
    20: "Of a backend's own answers over HTTP only 429, 502, 503 and 504 are retried; what is not "
    "OTLP's, as a proxy's page, is sent again whatever its status, except 413.",
    21: "Retry-After is understood as seconds and as a date.",
    22: "The pause that a backend asks for is kept at least; without one it grows, with jitter.",
    23: "Every 4xx and 5xx body is a google.rpc.Status in the encoding of the request.",
    24: "A request whose connection broke before the answer is sent again.",
    25: "A method other than POST is 405, an unknown or missing content type 415.",
    26: "With bearer tokens set, whoever shows none of them is UNAUTHENTICATED or 401 before the "
    "body is read; refusals have the Collector's codes, but too large is 413 and overload 503.",
    # Content types and encoding
    27: "An answer has the content type of its request, whose parameters do not matter.",
    28: "Protobuf and JSON are taken on the same port and path.",
    29: "An answer is never compressed unless it was asked for; in fact never, as it is small.",
    30: "In JSON, ids are hexadecimal in either case, wherever they stand.",
    31: "In JSON, enums are integers: written as such, and names are refused.",
    32: "In JSON, 64-bit integers are written as texts and read as texts or numbers, and doubles "
    "may be NaN and infinite.",
    33: "In JSON, unknown names are ignored, whatever they hold.",
    34: "In JSON, only lowerCamelCase names count; snake_case is unknown.",
    35: "In JSON, bytes are base64, and a value that holds nothing survives.",
    36: "Protobuf fields that nobody here knows are forwarded, also in spans that are written to.",
    37: "What is not about cost is forwarded as it came, byte for byte where nothing is added.",
    38: "Of attributes with the same key the first counts, and all are forwarded.",
    39: "A text that is not UTF-8 is carried as it is; what no reader can walk is refused.",
    40: "Values are nested as deeply as protobuf takes them (33 key-value lists or 50 arrays); "
    "beyond that is INVALID_ARGUMENT or 400.",
    41: "A span without a valid id is left out and reported; the others of its request go on.",
    42: "A time that cannot be is forwarded as it is, and charged at the time of receipt.",
    # Exporters
    43: "Requests carry a User-Agent that names the program and its version.",
    44: "An attempt has 10 seconds and never more than its sender; how long retries go on is a "
    "setting, and 0 is for ever.",
    45: "A slow or broken backend does not hold up another one.",
    46: "A stop waits for answers until its deadline; what has none was never acknowledged.",
    47: "Everything that could not be delivered is counted with a reason.",
    48: "Connections are kept, shared among all addresses of a name, and given up without loss.",
    49: "Headers of a sender are forwarded only where a setting lists them.",
    50: "A span that comes again after a lost answer is charged once.",
    # The processor as a gateway
    51: "A request is acknowledged when the backend has it or it is durably on disk; which of the "
    "two is a setting.",
    52: "At any moment the metrics add up: received is accepted, refused, rejected or arriving.",
    53: "After kill -9 no acknowledged span is lost, and the totals are those of the ledger.",
    54: "SIGTERM under load: not ready first, then drained, and ended within the deadline.",
    55: "When the disk fails, requests are UNAVAILABLE until it works again, without a restart.",
    56: "A damaged queue is put aside and counted, and the processor starts.",
    57: "A queue names its format and version; one that is not known is left alone.",
    58: "A clock that jumps changes no pause and no deadline.",
    59: "A backend that answers slowly, wrongly, halfway or never costs one attempt.",
    60: "Overload over a long time leaves memory flat and the processor usable.",
    61: "A span that comes long after its trace is charged once, to the right owner.",
    62: "A trace that is split between two processors is documented, and how to avoid it.",
}
"""By number."""
