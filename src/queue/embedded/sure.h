// What the model reads back from its own view is there, or the view is damaged. Going on with a part of the state would
// lose or repeat messages in silence, so that stops the process (style.md: exceptions are for start-up and bugs) with
// the file that the store's error names; the journal has everything, and the next start says the same or replays.
#pragma once

#include <stdexcept>
#include <utility>

#include "base/error.h"

namespace parley::queue::embedded {

template <class T>
T sure(Result<T> read) {
  if (!read) throw std::runtime_error("the state of queues and topics cannot be read: " + read.error().text());
  return *std::move(read);
}
inline void sure(const Result<void>& read) {
  if (!read) throw std::runtime_error("the state of queues and topics cannot be read: " + read.error().text());
}

}  // namespace parley::queue::embedded
