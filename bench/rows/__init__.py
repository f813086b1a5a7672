"""What ./dev bench can measure, by the names of its command line."""
from .codec import codec, planning
from .graphql import graphql
from .messages import backlog, handle, message_latency, publish, sidecar
from .proxies import grpc_hop, latency, memory, rest_to_grpc, start
from .sockets import echo, fan_out, idle_sockets, stalled, tunnel

ROWS = {"grpc": grpc_hop, "rest": rest_to_grpc, "latency": latency, "codec": codec, "memory": memory, "start": start,
        "graphql": graphql, "planning": planning, "ws-echo": echo, "ws-tunnel": tunnel, "ws-fan-out": fan_out, "ws-idle": idle_sockets, "ws-stalled": stalled,
        "queue-publish": publish, "queue-handle": handle, "queue-latency": message_latency, "queue-sidecar": sidecar, "queue-backlog": backlog}
