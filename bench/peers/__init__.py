"""Starts the processes that ./dev bench measures: Parley, its peers, and the backend behind all of them."""
from .graphql import GraphqlPeers
from .messages import MessagePeers
from .processes import Missing, Processes, Target, tree
from .proxies import Proxies
from .sockets import SocketPeers

__all__ = ["Missing", "Stack", "Target", "tree"]


class Stack(Proxies, GraphqlPeers, SocketPeers, MessagePeers, Processes):
    def __enter__(self):
        self.start_backend()
        return self

    def __exit__(self, *_):
        self.close()
