# The form of a document: a line "@MARK NAME", what a command printed, a line "@MARK = STATUS"; and
# "@MARK end" last, without which it is cut off. $1 is the word that marks these lines.
mark=$1
section() {
  name=$1
  shift
  printf '@%s %s\n' "$mark" "$name"
  "$@" 2>&1 </dev/null
  printf '\n@%s = %s\n' "$mark" "$?"
}
