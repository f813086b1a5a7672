#!/usr/bin/env bash
# format.sh [--check]  formats all C++ of the checkout, or only says what is not formatted.
set -euo pipefail
cd "$(dirname "$0")/.."
tool=$(command -v clang-format-19) || { echo "clang-format-19 is not installed; ./dev fmt installs it"; exit 1; }
existing() { while read -r file; do if [ -f "$file" ]; then echo "$file"; fi; done; }
mapfile -t files < <(git ls-files --cached --others --exclude-standard -- '*.cc' '*.h' | existing)
[ "${#files[@]}" -gt 0 ] || { echo "format: no file to look at"; exit 1; }
if [ "${1:-}" = --check ]; then
  "$tool" --dry-run -Werror "${files[@]}"
  echo "format: ${#files[@]} files, all formatted"
else
  "$tool" -i "${files[@]}"
  echo "format: ${#files[@]} files formatted"
fi
