# The same event twice is one event.
include world.story
as dairy
log 500 KGM of milk/L1 time=2026-11-20T07:00:00Z
log 500 KGM of milk/L1 time=2026-11-20T07:00:00Z
? trace.LotStatus lot=@milk/L1
