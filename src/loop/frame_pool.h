// Recycles coroutine frames: one free list a size class and thread, because every call makes and ends several
// coroutines. Thread safety: each thread has its own lists; a frame freed on another thread simply joins that thread's
// list.
#pragma once

#include <cstddef>

namespace parley::frame_pool {

void* allocate(std::size_t bytes);
void release(void* frame, std::size_t bytes) noexcept;

}  // namespace parley::frame_pool
