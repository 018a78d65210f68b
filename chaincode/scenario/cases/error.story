# An event that was wrong is declared so; what it did is taken back while nothing builds on it.
include world.story
as dairy
first: log 500 KGM of milk/L1
log 500 KGM of milk/L1 time=2026-11-20T08:00:00Z
box: pack 100 KGM of milk/L1 into P1
nest: pack P1 into P2
away: ship P2 to cheese
retract box                                       ! trace/too-late-to-undo
retract away
retract nest
retract box
cook: make 90 KGM of milk/M1 from 100 KGM of milk/L1
use: make 10 KGM of milk/M2 from 10 KGM of milk/M1
retract cook                                      ! trace/too-late-to-undo
retract use
retract cook corrective=urn:uuid:0f6f2c3e-0000-4000-8000-000000000001
retract cook
in: make from 10 KGM of milk/L1 run=urn:example:k
make 9 KGM of milk/M3 from run=urn:example:k
retract in                                        ! trace/too-late-to-undo
s: ship 10 KGM of milk/L1 to cheese
as cheese
retract s                                         ! trace/not-author
r: receive 9 KGM of milk/L1
as dairy
retract s                                         ! trace/too-late-to-undo
as cheese
retract r
receive 10 KGM of milk/L1
as dairy
never: ship 1000 KGM of milk/L1 to cheese         ! trace/not-enough
retract never                                     ! trace/no-event
trace.Recall id=R1 kind=recall lots=[@milk/M3] reason=glass
out: unpack from P3
box2: pack 5 KGM of milk/L1 into P3
un: unpack 5 KGM of milk/L1 from P3
retract un
retract box2
first2: log 4 KGM of milk/L9
retract first2
log 5 KGM of milk/L9
mistake: log 1 KGM of milk/L8
trace.Recall id=R2 kind=recall lots=[@milk/L8] reason=glass
retract mistake                                   ! trace/too-late-to-undo
? trace.LotStatus lot=@milk/L1
? trace.GetEvent hash={cook.hash}
