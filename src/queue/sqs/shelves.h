// Looking into a queue of SQS, and clearing it up: what SQS offers for it is receiving.
#pragma once

#include "queue/broker.h"
#include "queue/sqs/channel.h"

namespace parley::queue::sqs {

Task<Result<std::vector<Peeked>>> peek(Channel& channel, Ledger& ledger, PeekRequest request);
Task<Result<std::uint64_t>> redrive(Channel& channel, const WallClock& clock, std::vector<Position> which);
Task<Result<std::uint64_t>> purge(Workbench& bench, Channel& channel, const WallClock& clock, Shelf shelf);
Task<Result<Stats>> stats(Channel& channel);

}  // namespace parley::queue::sqs
