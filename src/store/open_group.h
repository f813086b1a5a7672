// OpenGroup: the group that is being put together, and then the frame that it becomes. Owned and used by the ledger's
// thread.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "store/ledger.h"

namespace parley::store {

class OpenGroup final : public Group {
 public:
  OpenGroup(std::span<Model* const> models, Journal& journal, View& view)
      : models_(models), journal_(journal), view_(view) {}

  // Empties it, for records from `time` on.
  void begin(WallTime time);
  // Whether the records that follow may use the reserve.
  void spend(Journal::Spend how) { spend_ = how; }
  // Nothing to do where nothing was added. An error halts the ledger: records were applied that cannot be written, or
  // the journal halted before.
  Result<void> commit();
  std::size_t bytes() const { return body_.size(); }
  std::uint64_t refused() const { return refused_; }

  WallTime time() const override { return time_; }
  Result<void> add(int model, std::string_view record) override;
  Result<void> room(std::size_t records, std::size_t bytes) override;

 private:
  std::span<Model* const> models_;
  Journal& journal_;
  View& view_;
  WallTime time_{};
  Journal::Spend spend_ = Journal::Spend::space;
  std::string body_;
  std::size_t room_ = 0;                             // for a body of so many bytes, seen to
  Journal::Spend room_for_ = Journal::Spend::space;  // and for whom
  std::uint64_t refused_ = 0;
  std::optional<Error> halted_;
};

}  // namespace parley::store
