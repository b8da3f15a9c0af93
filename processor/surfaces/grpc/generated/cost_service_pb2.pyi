from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetHealthRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetHealthResponse(_message.Message):
    __slots__ = ("status", "reasons", "time_zone")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    status: str
    reasons: _containers.RepeatedScalarFieldContainer[str]
    time_zone: str
    def __init__(self, status: _Optional[str] = ..., reasons: _Optional[_Iterable[str]] = ..., time_zone: _Optional[str] = ...) -> None: ...

class GetTotalsRequest(_message.Message):
    __slots__ = ("scope", "id", "window", "at_unix_nano")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    scope: str
    id: str
    window: str
    at_unix_nano: int
    def __init__(self, scope: _Optional[str] = ..., id: _Optional[str] = ..., window: _Optional[str] = ..., at_unix_nano: _Optional[int] = ...) -> None: ...

class GetTotalsResponse(_message.Message):
    __slots__ = ("cost_usd", "cost_nano_usd", "at_least", "input_tokens", "output_tokens", "cached_tokens", "calls", "unpriced_calls", "saved_nano_usd", "agent_runs", "window_start_unix_s", "window_end_unix_s", "doubtful_calls", "label", "cache_hits", "response_cache_hits", "response_cache_saved_nano_usd", "partial", "beyond_64_bits")
    class Beyond64BitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    COST_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_CALLS_FIELD_NUMBER: _ClassVar[int]
    SAVED_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    AGENT_RUNS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_START_UNIX_S_FIELD_NUMBER: _ClassVar[int]
    WINDOW_END_UNIX_S_FIELD_NUMBER: _ClassVar[int]
    DOUBTFUL_CALLS_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    CACHE_HITS_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_CACHE_HITS_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_CACHE_SAVED_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    BEYOND_64_BITS_FIELD_NUMBER: _ClassVar[int]
    cost_usd: float
    cost_nano_usd: int
    at_least: bool
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    calls: int
    unpriced_calls: int
    saved_nano_usd: int
    agent_runs: int
    window_start_unix_s: int
    window_end_unix_s: int
    doubtful_calls: int
    label: str
    cache_hits: int
    response_cache_hits: int
    response_cache_saved_nano_usd: int
    partial: _containers.RepeatedScalarFieldContainer[str]
    beyond_64_bits: _containers.ScalarMap[str, str]
    def __init__(self, cost_usd: _Optional[float] = ..., cost_nano_usd: _Optional[int] = ..., at_least: _Optional[bool] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cached_tokens: _Optional[int] = ..., calls: _Optional[int] = ..., unpriced_calls: _Optional[int] = ..., saved_nano_usd: _Optional[int] = ..., agent_runs: _Optional[int] = ..., window_start_unix_s: _Optional[int] = ..., window_end_unix_s: _Optional[int] = ..., doubtful_calls: _Optional[int] = ..., label: _Optional[str] = ..., cache_hits: _Optional[int] = ..., response_cache_hits: _Optional[int] = ..., response_cache_saved_nano_usd: _Optional[int] = ..., partial: _Optional[_Iterable[str]] = ..., beyond_64_bits: _Optional[_Mapping[str, str]] = ...) -> None: ...

class CheckBudgetRequest(_message.Message):
    __slots__ = ("scopes", "estimated_cost_usd", "tokens", "model", "provider", "input_tokens", "output_tokens", "cached_tokens", "reserve", "reservation_id", "ttl_s")
    class ScopesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_COST_USD_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    RESERVE_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    TTL_S_FIELD_NUMBER: _ClassVar[int]
    scopes: _containers.ScalarMap[str, str]
    estimated_cost_usd: float
    tokens: int
    model: str
    provider: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reserve: bool
    reservation_id: str
    ttl_s: float
    def __init__(self, scopes: _Optional[_Mapping[str, str]] = ..., estimated_cost_usd: _Optional[float] = ..., tokens: _Optional[int] = ..., model: _Optional[str] = ..., provider: _Optional[str] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cached_tokens: _Optional[int] = ..., reserve: _Optional[bool] = ..., reservation_id: _Optional[str] = ..., ttl_s: _Optional[float] = ...) -> None: ...

class CheckBudgetResponse(_message.Message):
    __slots__ = ("allowed", "standings", "message", "deciding", "estimate_nano_usd", "price_status", "price_reason", "reservation_id", "reservation_expires_unix_s", "not_checked")
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    STANDINGS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DECIDING_FIELD_NUMBER: _ClassVar[int]
    ESTIMATE_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    PRICE_STATUS_FIELD_NUMBER: _ClassVar[int]
    PRICE_REASON_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_EXPIRES_UNIX_S_FIELD_NUMBER: _ClassVar[int]
    NOT_CHECKED_FIELD_NUMBER: _ClassVar[int]
    allowed: bool
    standings: _containers.RepeatedCompositeFieldContainer[BudgetStanding]
    message: str
    deciding: BudgetStanding
    estimate_nano_usd: int
    price_status: str
    price_reason: str
    reservation_id: str
    reservation_expires_unix_s: float
    not_checked: _containers.RepeatedCompositeFieldContainer[UncheckedBudget]
    def __init__(self, allowed: _Optional[bool] = ..., standings: _Optional[_Iterable[_Union[BudgetStanding, _Mapping]]] = ..., message: _Optional[str] = ..., deciding: _Optional[_Union[BudgetStanding, _Mapping]] = ..., estimate_nano_usd: _Optional[int] = ..., price_status: _Optional[str] = ..., price_reason: _Optional[str] = ..., reservation_id: _Optional[str] = ..., reservation_expires_unix_s: _Optional[float] = ..., not_checked: _Optional[_Iterable[_Union[UncheckedBudget, _Mapping]]] = ...) -> None: ...

class UncheckedBudget(_message.Message):
    __slots__ = ("budget", "missing")
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    budget: str
    missing: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, budget: _Optional[str] = ..., missing: _Optional[_Iterable[str]] = ...) -> None: ...

class ReleaseReservationRequest(_message.Message):
    __slots__ = ("reservation_id",)
    RESERVATION_ID_FIELD_NUMBER: _ClassVar[int]
    reservation_id: str
    def __init__(self, reservation_id: _Optional[str] = ...) -> None: ...

class ReleaseReservationResponse(_message.Message):
    __slots__ = ("released",)
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    released: bool
    def __init__(self, released: _Optional[bool] = ...) -> None: ...

class BudgetStanding(_message.Message):
    __slots__ = ("budget", "scope", "scope_id", "window", "window_start_unix_s", "window_end_unix_s", "limit", "spent", "unit", "at_least", "exceeded", "reserved", "remaining", "allows", "beyond_64_bits")
    class Unit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNIT_UNSPECIFIED: _ClassVar[BudgetStanding.Unit]
        UNIT_NANO_USD: _ClassVar[BudgetStanding.Unit]
        UNIT_TOKENS: _ClassVar[BudgetStanding.Unit]
    UNIT_UNSPECIFIED: BudgetStanding.Unit
    UNIT_NANO_USD: BudgetStanding.Unit
    UNIT_TOKENS: BudgetStanding.Unit
    class Beyond64BitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_ID_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    WINDOW_START_UNIX_S_FIELD_NUMBER: _ClassVar[int]
    WINDOW_END_UNIX_S_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    SPENT_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_FIELD_NUMBER: _ClassVar[int]
    EXCEEDED_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    ALLOWS_FIELD_NUMBER: _ClassVar[int]
    BEYOND_64_BITS_FIELD_NUMBER: _ClassVar[int]
    budget: str
    scope: str
    scope_id: str
    window: str
    window_start_unix_s: int
    window_end_unix_s: int
    limit: int
    spent: int
    unit: BudgetStanding.Unit
    at_least: bool
    exceeded: bool
    reserved: int
    remaining: int
    allows: bool
    beyond_64_bits: _containers.ScalarMap[str, str]
    def __init__(self, budget: _Optional[str] = ..., scope: _Optional[str] = ..., scope_id: _Optional[str] = ..., window: _Optional[str] = ..., window_start_unix_s: _Optional[int] = ..., window_end_unix_s: _Optional[int] = ..., limit: _Optional[int] = ..., spent: _Optional[int] = ..., unit: _Optional[_Union[BudgetStanding.Unit, str]] = ..., at_least: _Optional[bool] = ..., exceeded: _Optional[bool] = ..., reserved: _Optional[int] = ..., remaining: _Optional[int] = ..., allows: _Optional[bool] = ..., beyond_64_bits: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ListUnpricedRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListUnpricedResponse(_message.Message):
    __slots__ = ("models", "models_left_out", "calls_left_out")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    MODELS_LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    CALLS_LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[UnpricedModel]
    models_left_out: int
    calls_left_out: int
    def __init__(self, models: _Optional[_Iterable[_Union[UnpricedModel, _Mapping]]] = ..., models_left_out: _Optional[int] = ..., calls_left_out: _Optional[int] = ...) -> None: ...

class UnpricedModel(_message.Message):
    __slots__ = ("provider", "models", "reason", "service", "calls", "tokens", "first_unix_nano", "last_unix_nano", "has_price", "beyond_64_bits")
    class Beyond64BitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    FIRST_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    LAST_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    HAS_PRICE_FIELD_NUMBER: _ClassVar[int]
    BEYOND_64_BITS_FIELD_NUMBER: _ClassVar[int]
    provider: str
    models: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    service: str
    calls: int
    tokens: int
    first_unix_nano: int
    last_unix_nano: int
    has_price: bool
    beyond_64_bits: _containers.ScalarMap[str, str]
    def __init__(self, provider: _Optional[str] = ..., models: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ..., service: _Optional[str] = ..., calls: _Optional[int] = ..., tokens: _Optional[int] = ..., first_unix_nano: _Optional[int] = ..., last_unix_nano: _Optional[int] = ..., has_price: _Optional[bool] = ..., beyond_64_bits: _Optional[_Mapping[str, str]] = ...) -> None: ...

class RepriceRequest(_message.Message):
    __slots__ = ("start_unix_nano", "end_unix_nano", "dry_run", "actor")
    START_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    END_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    start_unix_nano: int
    end_unix_nano: int
    dry_run: bool
    actor: str
    def __init__(self, start_unix_nano: _Optional[int] = ..., end_unix_nano: _Optional[int] = ..., dry_run: _Optional[bool] = ..., actor: _Optional[str] = ...) -> None: ...

class RepriceResponse(_message.Message):
    __slots__ = ("calls", "before_nano_usd", "after_nano_usd", "models", "budgets", "price_version", "price_file", "renamed_calls", "start_unix_nano", "end_unix_nano", "is_partial", "kept_from_unix_s", "beyond_64_bits")
    class Beyond64BitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CALLS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    AFTER_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    BUDGETS_FIELD_NUMBER: _ClassVar[int]
    PRICE_VERSION_FIELD_NUMBER: _ClassVar[int]
    PRICE_FILE_FIELD_NUMBER: _ClassVar[int]
    RENAMED_CALLS_FIELD_NUMBER: _ClassVar[int]
    START_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    END_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    IS_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    KEPT_FROM_UNIX_S_FIELD_NUMBER: _ClassVar[int]
    BEYOND_64_BITS_FIELD_NUMBER: _ClassVar[int]
    calls: int
    before_nano_usd: int
    after_nano_usd: int
    models: _containers.RepeatedCompositeFieldContainer[ModelDifference]
    budgets: _containers.RepeatedCompositeFieldContainer[BudgetDifference]
    price_version: str
    price_file: str
    renamed_calls: int
    start_unix_nano: int
    end_unix_nano: int
    is_partial: bool
    kept_from_unix_s: int
    beyond_64_bits: _containers.ScalarMap[str, str]
    def __init__(self, calls: _Optional[int] = ..., before_nano_usd: _Optional[int] = ..., after_nano_usd: _Optional[int] = ..., models: _Optional[_Iterable[_Union[ModelDifference, _Mapping]]] = ..., budgets: _Optional[_Iterable[_Union[BudgetDifference, _Mapping]]] = ..., price_version: _Optional[str] = ..., price_file: _Optional[str] = ..., renamed_calls: _Optional[int] = ..., start_unix_nano: _Optional[int] = ..., end_unix_nano: _Optional[int] = ..., is_partial: _Optional[bool] = ..., kept_from_unix_s: _Optional[int] = ..., beyond_64_bits: _Optional[_Mapping[str, str]] = ...) -> None: ...

class GetJobProgressRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetJobProgressResponse(_message.Message):
    __slots__ = ("job", "counted", "done", "left", "changed")
    JOB_FIELD_NUMBER: _ClassVar[int]
    COUNTED_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    job: str
    counted: str
    done: int
    left: int
    changed: int
    def __init__(self, job: _Optional[str] = ..., counted: _Optional[str] = ..., done: _Optional[int] = ..., left: _Optional[int] = ..., changed: _Optional[int] = ...) -> None: ...

class ExcludeRequest(_message.Message):
    __slots__ = ("trace", "span", "session", "user", "start_unix_nano", "end_unix_nano", "reason", "undo", "dry_run", "actor")
    TRACE_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    START_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    END_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    UNDO_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    trace: str
    span: str
    session: str
    user: str
    start_unix_nano: int
    end_unix_nano: int
    reason: str
    undo: int
    dry_run: bool
    actor: str
    def __init__(self, trace: _Optional[str] = ..., span: _Optional[str] = ..., session: _Optional[str] = ..., user: _Optional[str] = ..., start_unix_nano: _Optional[int] = ..., end_unix_nano: _Optional[int] = ..., reason: _Optional[str] = ..., undo: _Optional[int] = ..., dry_run: _Optional[bool] = ..., actor: _Optional[str] = ...) -> None: ...

class ForgetRequest(_message.Message):
    __slots__ = ("user", "dry_run", "actor")
    USER_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    user: str
    dry_run: bool
    actor: str
    def __init__(self, user: _Optional[str] = ..., dry_run: _Optional[bool] = ..., actor: _Optional[str] = ...) -> None: ...

class ForgetResponse(_message.Message):
    __slots__ = ("tombstone", "calls", "places")
    class PlacesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    TOMBSTONE_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    PLACES_FIELD_NUMBER: _ClassVar[int]
    tombstone: str
    calls: int
    places: _containers.ScalarMap[str, int]
    def __init__(self, tombstone: _Optional[str] = ..., calls: _Optional[int] = ..., places: _Optional[_Mapping[str, int]] = ...) -> None: ...

class ExcludeResponse(_message.Message):
    __slots__ = ("number", "calls", "agents", "before_nano_usd", "after_nano_usd", "models", "budgets", "lost", "is_partial", "kept_from_unix_s", "beyond_64_bits")
    class Beyond64BitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    AFTER_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    BUDGETS_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    IS_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    KEPT_FROM_UNIX_S_FIELD_NUMBER: _ClassVar[int]
    BEYOND_64_BITS_FIELD_NUMBER: _ClassVar[int]
    number: int
    calls: int
    agents: int
    before_nano_usd: int
    after_nano_usd: int
    models: _containers.RepeatedCompositeFieldContainer[ModelDifference]
    budgets: _containers.RepeatedCompositeFieldContainer[BudgetDifference]
    lost: int
    is_partial: bool
    kept_from_unix_s: int
    beyond_64_bits: _containers.ScalarMap[str, str]
    def __init__(self, number: _Optional[int] = ..., calls: _Optional[int] = ..., agents: _Optional[int] = ..., before_nano_usd: _Optional[int] = ..., after_nano_usd: _Optional[int] = ..., models: _Optional[_Iterable[_Union[ModelDifference, _Mapping]]] = ..., budgets: _Optional[_Iterable[_Union[BudgetDifference, _Mapping]]] = ..., lost: _Optional[int] = ..., is_partial: _Optional[bool] = ..., kept_from_unix_s: _Optional[int] = ..., beyond_64_bits: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ListAuditRequest(_message.Message):
    __slots__ = ("since_unix_nano", "cursor", "limit")
    SINCE_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    since_unix_nano: int
    cursor: str
    limit: int
    def __init__(self, since_unix_nano: _Optional[int] = ..., cursor: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListAuditResponse(_message.Message):
    __slots__ = ("lines", "cursor")
    LINES_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[AuditLine]
    cursor: str
    def __init__(self, lines: _Optional[_Iterable[_Union[AuditLine, _Mapping]]] = ..., cursor: _Optional[str] = ...) -> None: ...

class AuditLine(_message.Message):
    __slots__ = ("number", "time_unix_nano", "actor", "action", "subject", "before", "after")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    number: int
    time_unix_nano: int
    actor: str
    action: str
    subject: str
    before: _containers.RepeatedCompositeFieldContainer[NamedText]
    after: _containers.RepeatedCompositeFieldContainer[NamedText]
    def __init__(self, number: _Optional[int] = ..., time_unix_nano: _Optional[int] = ..., actor: _Optional[str] = ..., action: _Optional[str] = ..., subject: _Optional[str] = ..., before: _Optional[_Iterable[_Union[NamedText, _Mapping]]] = ..., after: _Optional[_Iterable[_Union[NamedText, _Mapping]]] = ...) -> None: ...

class NamedText(_message.Message):
    __slots__ = ("name", "text")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    name: str
    text: str
    def __init__(self, name: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class ModelDifference(_message.Message):
    __slots__ = ("model", "calls", "before_nano_usd", "after_nano_usd", "unpriced_before", "unpriced_after", "beyond_64_bits")
    class Beyond64BitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    AFTER_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_AFTER_FIELD_NUMBER: _ClassVar[int]
    BEYOND_64_BITS_FIELD_NUMBER: _ClassVar[int]
    model: str
    calls: int
    before_nano_usd: int
    after_nano_usd: int
    unpriced_before: int
    unpriced_after: int
    beyond_64_bits: _containers.ScalarMap[str, str]
    def __init__(self, model: _Optional[str] = ..., calls: _Optional[int] = ..., before_nano_usd: _Optional[int] = ..., after_nano_usd: _Optional[int] = ..., unpriced_before: _Optional[int] = ..., unpriced_after: _Optional[int] = ..., beyond_64_bits: _Optional[_Mapping[str, str]] = ...) -> None: ...

class BudgetDifference(_message.Message):
    __slots__ = ("budget", "scope_id", "window_start_unix_s", "limit_nano_usd", "calls", "before_nano_usd", "after_nano_usd", "beyond_64_bits")
    class Beyond64BitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    SCOPE_ID_FIELD_NUMBER: _ClassVar[int]
    WINDOW_START_UNIX_S_FIELD_NUMBER: _ClassVar[int]
    LIMIT_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    AFTER_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    BEYOND_64_BITS_FIELD_NUMBER: _ClassVar[int]
    budget: str
    scope_id: str
    window_start_unix_s: int
    limit_nano_usd: int
    calls: int
    before_nano_usd: int
    after_nano_usd: int
    beyond_64_bits: _containers.ScalarMap[str, str]
    def __init__(self, budget: _Optional[str] = ..., scope_id: _Optional[str] = ..., window_start_unix_s: _Optional[int] = ..., limit_nano_usd: _Optional[int] = ..., calls: _Optional[int] = ..., before_nano_usd: _Optional[int] = ..., after_nano_usd: _Optional[int] = ..., beyond_64_bits: _Optional[_Mapping[str, str]] = ...) -> None: ...
