# A hold is widened, turned into a recall and narrowed; nothing moves in between, marked or not.
include world.story
as dairy
log 500 KGM of milk/L1
log 100 KGM of milk/L2
log 100 KGM of milk/L3
ship 300 KGM of milk/L1, 50 KGM of milk/L2 to cheese
as cheese
receive 300 KGM of milk/L1, 50 KGM of milk/L2
make 20 KGM of cheddar/C1, cheddar#S1 from 200 KGM of milk/L1 lot=C1
make 5 KGM of cheddar/C2 from 50 KGM of milk/L2
make 5 KGM of cheddar/C3 from 5 KGM of cheddar/C1
make 1 KGM of cheddar/C4 from 1 KGM of cheddar/C3
ship 1 KGM of cheddar/C4 to market
as market
receive 1 KGM of cheddar/C4
as dairy
trace.Recall id=H1 kind=hold lots=[@milk/L1] reason=smell marks:=2001         ! trace/case-terms
trace.Recall id=H1 kind=hold lots=[@milk/L1] reason=smell class=IV            ! trace/case-terms
trace.Recall id=H1 kind=hold lots=[@milk/L1] reason=smell depth=moon          ! trace/case-terms
trace.Recall id=H1 kind=hold lots=[@milk/L1] reason=smell level=B             ! trace/case-terms
trace.Recall id=H1 kind=hold lots=[@milk/L1] reason=smell level=F             ! trace/case-terms
trace.Recall id=H1 kind=hold lots=[@milk/L1] reason=smell hours:=721          ! trace/case-terms
trace.Recall id=H1 kind=hold lots=[@milk/L1] reason=smell marks:=1 level=A hours:=48
# Marked is one lot; its children wait for Extend, and are held nevertheless.
as market
sell 1 KGM of cheddar/C4                                                      ! trace/held
as cheese
ship 1 KGM of cheddar/C1 to market                                            ! trace/held
ship cheddar#S1 to market                                                     ! trace/held
ship 1 KGM of cheddar/C2 to market
make 1 KGM of cheddar/C5 from 1 KGM of cheddar/C3                             ! trace/held
as dairy
trace.Widen case=H1 lots=[@milk/L2] reason="same tank"                        ! trace/case-marking
trace.Narrow case=H1 lots=[@milk/L2] reason="other tank"                      ! trace/case-marking
trace.Extend case=H1
trace.Extend case=H1
trace.Extend case=H1
trace.Extend case=H1
trace.Extend case=H1
? trace.GetCase case=H1
trace.Widen case=H1 lots=[@milk/L1] reason="same tank"                        ! trace/not-named
trace.Widen case=H1 lots=[] reason="same tank"                                ! trace/case
trace.Widen case=H1 lots=[@cheddar/C2] reason="same tank"                     ! trace/not-yours-to-block
trace.Widen case=H1 lots=[@milk/L2] reason=                                   ! trace/case
as cheese
trace.Widen case=H1 lots=[@cheddar/C2] reason="same tank"                     ! trace/not-yours-to-release
as dairy
trace.Widen case=H1 lots=[@milk/L2] reason="same tank"
as cheese
ship 1 KGM of cheddar/C2 to market                                            ! trace/held
as dairy
trace.Extend case=H1
trace.Extend case=H1
trace.Upgrade case=H1 reason=                                                 ! trace/case
trace.Upgrade case=H1 reason=listeria class=V                                 ! trace/case-terms
trace.Upgrade case=H1 reason=listeria code=listeria class=I depth=consumer advice="Bring it back." contact="0800 1"
trace.Upgrade case=H1 reason=listeria                                         ! trace/not-a-hold
as market
sell 1 KGM of cheddar/C4                                                      ! trace/recalled
# While a narrowed case is marked anew, all of it stays blocked.
as dairy
trace.Narrow case=H1 lots=[@milk/L3] reason="other tank"                      ! trace/not-named
trace.Narrow case=H1 lots=[@milk/L1,@milk/L2] reason="other tank"             ! trace/not-named
trace.Narrow case=H1 lots=[@milk/L1] reason=                                  ! trace/case
trace.Narrow case=H1 lots=[@milk/L1] reason="sample clear"
as market
sell 1 KGM of cheddar/C4                                                      ! trace/recalled
as cheese
ship 1 KGM of cheddar/C2 to market                                            ! trace/recalled
as regulator
trace.Extend case=H1
trace.Extend case=H1
? trace.LotStatus lot=@cheddar/C4
? trace.LotStatus lot=@cheddar/C2
as market
sell 1 KGM of cheddar/C4
as cheese
ship 1 KGM of cheddar/C2 to market                                            ! trace/recalled
# What was freed can be blocked again, in the same case.
as dairy
trace.Widen case=H1 lots=[@milk/L1] reason="second sample"
as cheese
ship 1 KGM of cheddar/C1 to market                                            ! trace/recalled
# A case that is closed while it is marked blocks nothing.
as regulator
trace.Recall id=H2 kind=hold lots=[@milk/L3] reason=smell marks:=1
trace.Upgrade case=H2 reason=glass
trace.Release case=H2 reason=mistake
trace.Release case=H1 reason=over
as cheese
ship 1 KGM of cheddar/C1 to market
