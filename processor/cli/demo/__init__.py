"""``llm-cost demo``: the processor at work, on one machine and without any LLM.

application ─OTLP─▶ processor ─OTLP─▶ backend ─▶ tree
"""
