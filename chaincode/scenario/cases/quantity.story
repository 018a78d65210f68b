# No more comes out than went in; units convert, and fractions are exact.
include world.story
as dairy
log 1000 LBR of milk/L1
? trace.LotStatus lot=@milk/L1
make 460 KGM of milk/M1 from 1000 LBR of milk/L1                    ! trace/more-out-than-in
make 460 KGM of milk/M1 from 1000 LBR of milk/L1 tolerance=0.03     ! trace/tolerance
make 460 KGM of milk/M1 from 1000 LBR of milk/L1 tolerance=0.02
? trace.LotStatus lot=@milk/L1
make 12 of milk/B1 from 10 KGM of milk/M1
make 5 of milk/B2 from some of milk/M1
make 1 KGM of milk/M9 from 1 KGM of milk/nothing                    ! trace/no-lot
# One making in several events.
make from 100 KGM of milk/M1 run=urn:example:kettle:7
make 60 KGM of milk/K1 from run=urn:example:kettle:7
make 41 KGM of milk/K2 from run=urn:example:kettle:7                ! trace/more-out-than-in
make 40 KGM of milk/K2 from run=urn:example:kettle:7
log 1 GRM of milk/M1
ship 0.333 KGM of milk/M1 to cheese
as cheese
receive 333 GRM of milk/M1
? trace.LotStatus lot=@milk/M1
# Cases cut into packs are other pieces: they cannot be counted against each other.
as dairy
log 10 of milk/CASES
make 240 of https://id.gs1.org/01/09506000134376/10/PACKS from 10 of milk/CASES
log 10 of milk/BOTTLES
make 11 of milk/RELABELLED from 10 of milk/BOTTLES                           ! trace/more-out-than-in
