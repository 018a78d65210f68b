module github.com/IBM/idemix

go 1.26.0

require github.com/hyperledger/fabric-protos-go-apiv2 v0.3.7
