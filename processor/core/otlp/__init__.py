"""OTLP's own rules: its signals, encodings, status codes and addresses. No I/O, no opinion on cost.

signals     one table: service, method, path and messages of each signal; paths: over HTTP
messages    messages from bytes, also where a text is not UTF-8
varint      protobuf's variable-length integers
json_reader, json_writer, json_scalars      OTLP/JSON from and to protobuf bytes
responses   the Export…ServiceResponse of a receipt, and the other way round
codes       gRPC status codes, and which answers may be retried
addresses   where a backend is, where a listener is, and what is on this machine
gzip        bodies, packed and unpacked within bounds
"""
