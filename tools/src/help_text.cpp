// SPDX-License-Identifier: Apache-2.0
#include "help_text.hpp"

namespace lentic::tool {

const char* const main_footer = R"(
Rows go to stdout, everything else to stderr.

Exit codes:
  0    complete            2  wrong arguments      3  bad input
  4    unusable state      5  a system call failed (full disk, ...)
  130  SIGINT, 143 SIGTERM: committed, rows written; the same command goes on
  141  stdout was closed: rows kept in the state; the same command goes on

"lentic run --help" states the rules of time, bad rows and restarts.)";

const char* const run_footer = R"(
Input: CSV with a header line, whose names are the fields, or NDJSON, one JSON
object a line. --input says which; by default a name that ends in .ndjson or
.jsonl (also with .gz) is NDJSON, any other and "-" CSV. A field of NDJSON is a
JSON pointer, /user/id, or the name of a member as it stands, amount. Its value
is a string, a number (its text as written) or, as a key, true or false; a
string may hold a number or a time. The name as given is the output column's.

Times in the input are read one by one: RFC 3339 with optional seconds
(2001-01-31T14:05Z) or integer milliseconds since 1970. --time-format is for
output only. Durations: 500ms, 1s, 10m, 1h, 1d.

Windows: a window [start, end) takes a row while end > stream time - grace.
Stream time is the largest time of any good row; a row raises it before it is
tested. A (row, window) pair that comes later is dropped and counted
(late_dropped). Each window is printed when it closes; at the end of the input
those still open are printed too, and again when the input has grown.

--emit changes prints a row whenever a window changed: seq, key and window, and
for each aggregate old:NAME (empty for the first) and new:NAME. Updates between
two flushes are one change. A commit flushes; --cache bounds what is gathered
before (0: flush each update); --caching kafka gathers and orders exactly as
Kafka Streams' caches do. Readers let the last of several lines with one seq
win; then each old is the new before it, and the last new is the result.

Numbers: the first good row makes a column integer or floating; a later
mismatch is a bad row. Sums, minima and maxima of integers are exact; a sum
that would overflow makes the row bad and changes nothing. avg is the shortest
text of the double.

Bad rows: a time that cannot be read, lies before 1970, or whose window would
end after 9999; a number of the wrong type; an empty named field; a key with a
line break; a line over 1 MiB; invalid UTF-8; a wrong number of fields; with
--max-jump, a time that would raise stream time by more. In NDJSON also: a line
that is not a JSON object or nested deeper than 64 levels; a named field that is
missing, null, an object or an array, or whose name is there twice; an escape
that is no character. Blank lines are skipped. Each bad row is reported as
file:line:column: reason and skipped, up to --max-bad over all attempts. Past
it, what precedes is committed and the exit code is 3.

With --state: state, input position and pending rows commit together, and rows
are printed only once the commit that carries them is on disk. After a crash,
a signal or a full disk the same command goes on where the last commit was;
append to the same output with >>. Rows may then appear twice, so readers drop
lines with a wrong number of fields or an open quote, drop repeated headers,
and let the last of several lines for one (key, window_start) win. That gives
exactly the result of an undisturbed run.
The position is bytes and rows read, proven by SHA-256 of the first 64 KiB and
of the 4 KiB before it; another input is refused, and so is a last line that
had no line end and has grown. A gzip input is decompressed again up to the
position. For "-" the producer starts from the beginning
again, unless --stdin new.
--key, --ts, --window, --grace, --retention, --agg, --emit, --output and
--time-format belong to the state and cannot change; other options can.

Exit codes: 0 complete, 2 arguments, 3 input, 4 state, 5 system,
130 SIGINT, 143 SIGTERM, 141 stdout closed.

Examples:
  lentic run events.ndjson --ts /time --key /user/id --window tumbling:1h \
    --agg count,sum:/amount
  lentic run flights.csv.gz --ts scheduled --key origin --window tumbling:1h \
    --grace 2h --agg count,sum:delay,max:delay --state st --output csv >> out)";

const char* const read_footer = R"(
Shows what is retained: windows that start within the retention time before the
newest one, as of the last commit. Older windows have been dropped.)";

const char* const verify_footer = R"(
Reads everything that the state names and changes nothing: the manifest, every
frame of the journal, every block of every run, each with its checksum; and, in
the state of a run, its records, its position, each window's key and value.
Prints a line a store, a line for each damage (file and offset, store, segment,
and the keys that the damage lies between), and a verdict. A last frame that is
not complete is no damage: the next run cuts it, as after any crash; it is told.

Exit codes: 0 sound, 4 damaged or not a state.)";

const char* const dump_footer = R"(
One line a row, by store, segment and key: store, segment, key_hex, key,
window_start, value_hex. key and window_start are those of a window's row in the
state of a run and empty in other rows (NDJSON: left out), as is a key that is
not UTF-8. The first 8 bytes of a window's value are the time of its last row.)";

const char* const copy_footer = R"(
The copy is a state of its own, as of the last commit. Sealed rows are hard
links where the file systems take them, so that a file which goes bad is bad in
both; the rest is copied. DIR is read, nothing in it changes. A state that is in
use is refused (exit 4). A copy that is interrupted is no state: the same
command starts it again.)";

const char* const salvage_footer = R"(
Opens a state whose journal is damaged as of the last commit before the damage
and prints what is lost: file, offsets and commits; of commits that can be read
and yet not be used, stores, segments and keys; and sealed segments that cannot
be read. DIR is read, nothing in it changes. --to writes what is left into an
empty or missing directory: a state that opens as any other. Where sealed rows
are newer than that commit it can be read, but "lentic run" refuses to go on
from it, because it would count rows twice; else it reads its input again from
there.
A state that is in use is refused (exit 4), and so is one without a readable
manifest.

Exit codes: 0 the journal is whole, 4 something is, also when NEW was written.)";

const char* const store_footer = R"(
A state has one writer, or any number of readers. Which commands work on a state
that another process has open:

                        open to be read      open to be written
                        (by one of the       (by lentic run, store load
                        first group)         or store compact)
  get, scan, store      yes                  refused, exit 4
  stat, verify, dump,
  copy, salvage, digest
  run, store load,      refused, exit 4      refused, exit 4
  store compact

A command waits one second for the other to go, then names its process. The
copy of a state is another state: copy it, and work on the copy.)";

const char* const load_footer = R"(
Puts rows into a state; a key that is there gets the new value. CSV with a
header line or NDJSON, plain or gzip; columns or members:

  store                   its name; without it that of --store for all rows
  segment                 a whole number; 0 without it
  key_hex, or else key    the key in hex, or as text
  value_hex, or else value

Others are passed over, so what "store dump" prints loads as it is. A row has at
most 132 MiB. Rows are committed in their order, so many at a time, and with
them the place in the input: killed at any moment, the same command goes on, and
another input is refused; --from-start loads all of it again, and so does the
command when a load has come to its end. Rows stay in memory until they are in
runs: "store compact" brings them there. The first row that
cannot be used ends the load: file:line:column: reason, exit 3; the rows before
it are in the state.

A state in use is refused (exit 4), and so is one of "lentic run", whose windows
would no longer belong to its input. A state made of the dump of a run can be
read, but "lentic run" refuses to go on from it: a dump has no input position.)";

const char* const compact_footer = R"(
Writes all rows into runs: one sorted file a segment, without what was put over
or erased since, and lets the files of the journal go. Prints the bytes before
and after. Needs room for the largest segment twice. Killed at any moment the
state is whole, and the same command goes on. A state in use is refused (exit 4).
A segment whose run cannot be read stays as it is.)";

const char* const digest_footer = R"(
A line for each segment that has rows: store, segment, rows, digest. The digest
is the sum, modulo 2 to the 64th, of a hash of each row's key and value, so it
does not depend on how rows are stored; two states hold the same rows when all
lines are equal. Rows that differ have equal sums with a chance of 2 to the
-64th.

A state keeps these sums with its rows: what is in runs is not read, but for
rows that newer ones may hide, and runs that older versions wrote. So damaged
rows are not noticed: "store verify" reads them and checks the sums, and --scan
sums up all rows anew. Where somebody may choose rows to deceive, use a secret
--hash-key: another hash, SHA-256, and all rows are read. DIR is read, nothing
in it changes. A state that is in use is refused (exit 4).)";

}  // namespace lentic::tool
