package membership

import "github.com/golang/protobuf/proto"

// orderers and consenter are common.Orderers and common.Consenter of Fabric
// 3, which the SDK's protobufs are too old to have.

type orderers struct {
	Mapping []*consenter `protobuf:"bytes,1,rep,name=consenter_mapping,json=consenterMapping,proto3"`
}

type consenter struct {
	ID        uint32 `protobuf:"varint,1,opt,name=id,proto3"`
	Host      string `protobuf:"bytes,2,opt,name=host,proto3"`
	Port      uint32 `protobuf:"varint,3,opt,name=port,proto3"`
	MSPID     string `protobuf:"bytes,4,opt,name=msp_id,json=mspId,proto3"`
	Identity  []byte `protobuf:"bytes,5,opt,name=identity,proto3"`
	ClientTLS []byte `protobuf:"bytes,6,opt,name=client_tls_cert,json=clientTlsCert,proto3"`
	ServerTLS []byte `protobuf:"bytes,7,opt,name=server_tls_cert,json=serverTlsCert,proto3"`
}

func (o *orderers) Reset()         { *o = orderers{} }
func (o *orderers) String() string { return proto.CompactTextString(o) }
func (*orderers) ProtoMessage()    {}

func (c *consenter) Reset()         { *c = consenter{} }
func (c *consenter) String() string { return proto.CompactTextString(c) }
func (*consenter) ProtoMessage()    {}
