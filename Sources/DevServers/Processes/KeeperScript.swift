/// What stands between the host and a server: a shell that starts the server, and ends it when the host is gone.
///
/// The host holds one end of a channel; nobody writes into it. When the host ends, however it ends, the system closes that
/// end and the keeper's `read` returns. A signal at the parent's death (`PR_SET_PDEATHSIG`) would not do: it is sent
/// when the *thread* that started the child ends, and a change of user clears it.
///
/// Stopping takes the same way: the host closes its end and waits for the keeper.
///
/// Descriptors: 3 the channel, 4 where the server's number is reported, 5 the folder's lock, 6 that of kept data, if
/// there are any; both are held until the keeper ends.
/// Arguments: the folder to remove once the host is gone, or nothing; the signal that stops the server; how long it may
/// take, in tenths of a second; the command.
enum KeeperScript {
  static let text = #"""
    folder=$1 signal=$2 patience=$3
    shift 3
    "$@" </dev/null 3<&- 4>&- 5>&- 6>&- &
    server=$!
    echo "$server" >&4
    exec 4>&-

    # The processes that the server has started. A stopped one cannot end.
    children() { grep -ls "^PPid:[[:space:]]*$server\$" /proc/[0-9]*/status | cut -d / -f 3; }

    (
      read -r _ <&3
      trap '' TERM
      kill -CONT "$server" $(children)
      kill "-$signal" "$server"
      while [ "$patience" -gt 0 ] && kill -0 "$server"; do
        patience=$((patience - 1))
        sleep 0.1
      done
      if kill -0 "$server"; then kill -KILL $(children) "$server"; fi
      exit 0
    ) 2>/dev/null &
    guard=$!

    # While the server is this shell's child and not waited for, its number is nobody else's.
    wait "$server"
    status=$?
    kill -TERM "$guard" 2>/dev/null
    # The guard ends with 0 only where the host is gone.
    if wait "$guard" && [ -n "$folder" ]; then rm -rf -- "$folder"; fi
    exit "$status"
    """#
}
