# A lot on hold stays where it is until it is released by who is responsible.
include world.story
as dairy
log 100 KGM of milk/L1
trace.Recall id=H1 kind=hold lots=[@milk/L1] reason="odd smell"
ship 10 KGM of milk/L1 to cheese                   ! trace/held
ship 10 KGM of milk/L1 to cheese disposition=returned ! trace/held
sell 1 KGM of milk/L1                              ! trace/held
destroy 1 KGM of milk/L1                           ! trace/held
trace.Release case=H1 reason=                      ! trace/case
trace.Release case=H1 reason="nothing found"
ship 10 KGM of milk/L1 to cheese
as regulator
trace.Recall id=H2 kind=hold lots=[@milk/L1] reason=sample
as dairy
trace.Release case=H2 reason="we are sure"         ! trace/not-yours-to-release
as cheese
receive 10 KGM of milk/L1                          ! trace/held
as regulator
trace.Release case=H2 reason="sample is clean"
as cheese
receive 10 KGM of milk/L1
