# A network is founded by its own members, each with the certificate of a real authority; a lone member admits alone.
user root  DairyMSP   - admin
user other HarbourMSP - admin
user clerk DairyMSP   - operator
as clerk
party.Found members:=[{"id":"DairyMSP","name":"Dairies","ca":"{file:ca-dairy.pem}"}]   ! chaincode/role
as other
party.Found members:=[{"id":"DairyMSP","name":"Dairies","ca":"{file:ca-dairy.pem}"}]   ! party/not-member-admin
party.Found members:=[]                                                                ! party/not-member-admin
as root
party.Found members:=[{"id":"DairyMSP","name":"","ca":"{file:ca-dairy.pem}"}]          ! party/member
party.Found members:=[{"id":"DairyMSP","name":"Dairies","ca":"{file:ca-dairy.pem}"},{"id":"DairyMSP","name":"Dairies","ca":"{file:ca-dairy.pem}"}] ! party/member-exists
party.Found members:=[{"id":"DairyMSP","name":"Dairies","ca":"{file:ca-dairy.pem}"}]
party.Admit member:={"id":"HarbourMSP","name":"Harbour","ca":"{file:ca-harbour.pem}"}
party.Register id= name=X kinds=[bank]                                                 ! party/profile
party.Register id=x name= kinds=[bank]                                                 ! party/profile
party.Register id=x name=X kinds=[]                                                    ! party/profile
? party.Members
