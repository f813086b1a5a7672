// Work that blocks, beside a shard: on a thread of its own, awaited.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "loop/shard.h"
#include "loop/signal.h"

namespace parley::node {

// What `work` returns. The shard goes on meanwhile; it outlives the await.
template <class T>
Task<T> on_thread(Shard& shard, std::function<T()> work) {
  struct State {
    std::optional<T> result;
    Signal done;
    bool is_done = false;
  };
  auto state = std::make_shared<State>();
  std::thread thread([state, &shard, work = std::move(work)] {
    state->result.emplace(work());
    shard.post([state] {
      state->is_done = true;
      state->done.notify();
    });
  });
  while (!state->is_done) co_await state->done.wait();
  thread.join();
  co_return std::move(*state->result);
}

}  // namespace parley::node
