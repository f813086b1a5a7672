#pragma once

#include <optional>

#include "loop/shard.h"
#include "loop/task_group.h"

namespace parley {
namespace detail {

template <class T>
Task<void> keep_result(Task<T> task, std::optional<T>* out) {
  out->emplace(co_await std::move(task));
}

}  // namespace detail

template <class T>
T run_blocking(Shard& shard, Task<T> task) {
  TaskGroup group;
  if constexpr (std::is_void_v<T>) {
    group.spawn(std::move(task));
    shard.run_until([&] { return group.live() == 0; });
  } else {
    std::optional<T> out;
    group.spawn(detail::keep_result(std::move(task), &out));
    shard.run_until([&] { return group.live() == 0; });
    if (!out) throw std::runtime_error("the task ended with an exception (see the log)");
    return std::move(*out);
  }
}

}  // namespace parley
