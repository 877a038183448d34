# The format of a document: a line "@MARK NAME", the output of a command, a line "@MARK = STATUS".
# The last line is "@MARK end"; without it the document is cut off. $1 is the mark.
mark=$1
section() {
  name=$1
  shift
  printf '@%s %s\n' "$mark" "$name"
  "$@" 2>&1 </dev/null
  printf '\n@%s = %s\n' "$mark" "$?"
}
