# A thing is in one pack at a time, and a pack is where its outermost pack is.
include world.story
as dairy
log 100 KGM of milk/L1, milk#S1, P3
pack 40 KGM of milk/L1, milk#S1 into P1
pack milk#S1 into P2                                ! trace/already-packed
sell milk#S1                                        ! trace/already-packed
sell P1                                             ! trace/already-packed
make 1 KGM of milk/M1 from P1                       ! trace/already-packed
pack 61 KGM of milk/L1 into P1                      ! trace/not-enough
pack P1 into P2
pack P1 into P3                                     ! trace/already-packed
pack P2 into P1                                     ! trace/pack-loop
ship P1 to cheese                                   ! trace/already-packed
ship urn:epc:id:sscc:9506000134.0000009 to cheese   ! trace/no-lot
unpack 41 KGM of milk/L1 from P1                    ! trace/not-in-pack
unpack P3 from P2                                   ! trace/not-in-pack
as cheese
unpack from P1                                      ! trace/not-holder
as dairy
away: ship P2 to cheese
unpack from P1                                      ! trace/not-holder
retract away
unpack milk#S1 from P1
ship P2 to cheese
as cheese
receive P2, P3                                      ! trace/not-addressed
receive P2
unpack from P2
unpack from P1
? trace.LotStatus lot=@milk/L1
# Seventeen boxes, each in the next.
pack 1 KGM of milk/L1 into urn:x:1
pack urn:x:1 into urn:x:2
pack urn:x:2 into urn:x:3
pack urn:x:3 into urn:x:4
pack urn:x:4 into urn:x:5
pack urn:x:5 into urn:x:6
pack urn:x:6 into urn:x:7
pack urn:x:7 into urn:x:8
pack urn:x:8 into urn:x:9
pack urn:x:9 into urn:x:10
pack urn:x:10 into urn:x:11
pack urn:x:11 into urn:x:12
pack urn:x:12 into urn:x:13
pack urn:x:13 into urn:x:14
pack urn:x:14 into urn:x:15
pack urn:x:15 into urn:x:16
pack urn:x:16 into urn:x:17
ship urn:x:17 to market                             ! trace/pack-size
