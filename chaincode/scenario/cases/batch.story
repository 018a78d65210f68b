# Many events in one transaction, each on its own feet; or all or none.
include world.story
as dairy
batch
log 500 KGM of milk/L1
ship 501 KGM of milk/L1 to cheese      ! trace/not-enough
ship 500 KGM of milk/L1 to cheese
trace.Nothing a=b                      ! chaincode/unknown-function
chaincode.Batch a=b                    ! chaincode/batch-nested
end
? trace.LotStatus lot=@milk/L1
batch atomic
log 500 KGM of milk/L2
ship 501 KGM of milk/L2 to cheese      ! trace/not-enough
end
? trace.LotStatus lot=@milk/L2         ! trace/no-lot
chaincode.Batch commands:=[]           ! chaincode/batch-size
trace.Extend nonsense=1                ! chaincode/body
? chaincode.Plan name=party.List body:={}  ! chaincode/plan
? chaincode.Rehearse commands:=[{"name":"trace.Nothing","body":{}},{"name":"chaincode.Batch","body":{}}]
? chaincode.Rehearse commands:=[]      ! chaincode/rehearsal-size
