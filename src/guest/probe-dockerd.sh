# Sends requests to dockerd's API without the docker client. Each answer is one line: the path and
# the document. A container that ended after it was listed is omitted. If only /info fails, its line
# is missing. A list of volumes through the API would query volume plugins, so the entries of their
# directory are counted. Perl is essential in Debian and Ubuntu, and the script loads no module.
ask_dockerd() {
  section api timeout 20 sudo -n perl -e '
    sub fail { print STDERR "GET $path: @_\n"; exit 1 }
    $SIG{TERM} = sub { fail("no answer within 20 s") };
    $SIG{PIPE} = "IGNORE";

    sub get {
      ($path, my $may_fail) = @_;
      # AF_UNIX and SOCK_STREAM. Loading the module with these constants takes longer than the rest.
      socket(DOCKERD, 1, 1, 0) && connect(DOCKERD, pack("SZ*", 1, $ARGV[0]))
        or fail("cannot connect to $ARGV[0]: $!");
      syswrite DOCKERD, "GET $path HTTP/1.0\r\n\r\n";
      local $/;
      my ($status, $body) = <DOCKERD> =~ /^HTTP\S+ (.*?)\r\n.*?\r\n\r\n(.*)/s
        or fail("dockerd closed the connection");
      if ($status !~ /^200/) {
        return if $may_fail && $status =~ $may_fail;
        $body =~ s/^\{"message":"(.*)"\}\s*$/$1/s;
        fail("$status: $body");
      }
      $body =~ tr/\r\n/ /;
      $answers .= "$path $body\n";
      $body;
    }

    # This does not match inside a JSON string, where a backslash precedes each quotation mark.
    get("/containers/$_/json", "^404") for get("/containers/json") =~ /"Id":"([0-9a-f]{64})"/g;
    my ($root) = get("/info", ".") =~ /"DockerRootDir":"([^"\\]+)"/;
    if ($root && opendir my $directory, "$root/volumes") {
      my @volumes = grep { !/^\./ && lstat "$root/volumes/$_" && -d _ } readdir $directory;
      $answers .= "volumes " . @volumes . "\n";
    }
    print $answers;
  ' "$socket"
}

# Only an active daemon is asked: with socket activation, a request would start a stopped one. The
# other facts are read meanwhile. Their output waits in the pipe, because dockerd has a time limit.
if active; then
  { system; looks "$@"; } | { ask_dockerd; cat; }
else
  system
  looks "$@"
fi
