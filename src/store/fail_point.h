// Fail points: named places at which a test has the process killed, to see that what was acknowledged is still there
// afterwards. Compiled in with PARLEY_FAIL_POINTS and in debug builds only.
//
//   PARLEY_FAIL_POINT=journal_written:3        the third time there: SIGKILL
//   PARLEY_FAIL_POINT=journal_written:3:stop   SIGSTOP, for a test that kills or continues it later
//
// The names, in the order in which a group passes them:
//   journal_write      before a frame is written
//   journal_written    it is written, not synced
//   journal_synced     synced, nobody was told
//   checkpoint_begin   before the view is written
//   checkpoint_end     written, perhaps not durable
//   segment_remove     before a segment is dropped
//   segment_removed    dropped
//   segment_begin      the next segment has its header, not its name
//   segment_begun      it has its name
#pragma once

#include <string_view>

namespace parley::store {

#if defined(PARLEY_FAIL_POINTS) || !defined(NDEBUG)
// Does what PARLEY_FAIL_POINT asks for at that place. Any thread.
void fail_point(std::string_view name);
#else
inline void fail_point(std::string_view) {}
#endif

}  // namespace parley::store
