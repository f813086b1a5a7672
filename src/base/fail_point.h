// Fail points: named places at which a test has the process killed, to see that what was acknowledged is still there
// afterwards. test/total_queue goes through all of them. Compiled in with PARLEY_FAIL_POINTS and in debug builds only.
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
// and what a message meets beside the journal:
//   publish_stored     stored, its caller was not told
//   delivery_leased    leased, its handler was not called
//   delivery_handled   handled, not settled
//   delivery_settled   settled; its place is not free
//   lease_granted      leased through the pull API, its caller was not told
//   settle_stored      settled through the pull API, its caller was not told
#pragma once

#include <string_view>

namespace parley {

#if defined(PARLEY_FAIL_POINTS) || !defined(NDEBUG)
// Does what PARLEY_FAIL_POINT asks for at that place. Any thread.
void fail_point(std::string_view name);
#else
inline void fail_point(std::string_view) {}
#endif

}  // namespace parley
