# A product and a place are described by whose they are.
include world.story
as dairy
trace.DescribeProduct gtin=09506000134352 name="Fresh milk" nameZh=鲜牛奶 unit=KGM shelfLife:=14 storage="2 to 6 °C"
trace.DescribeProduct gtin=9506000134352 name="Fresh whole milk" unit=KGM
trace.DescribeProduct gtin=09506000134353 name="Wrong digit" unit=KGM     ! trace/product
trace.DescribeProduct gtin=09506000134352 name=" " unit=KGM               ! trace/product
trace.DescribeProduct gtin=09506000134352 name=Milk unit=BUCKET           ! trace/product
trace.DescribeProduct gtin=09506000134352 name=Milk unit=KGM shelfLife:=-1 ! trace/product
trace.DescribeProduct gtin=04007630000116 name="Not ours" unit=KGM        ! trace/not-your-prefix
trace.DescribePlace gln=9506000134352 name="Greenfield plant" city=Hohhot cityZh=呼和浩特 country=CN
trace.DescribePlace gln=9506000134353 name="Wrong digit"                  ! trace/place
trace.DescribePlace gln=9506000134352 name=""                             ! trace/place
trace.DescribePlace gln=9506000134352 name=Plant country=China            ! trace/place
as cheese
trace.DescribePlace gln=9506000134352 name="Our plant now"                ! trace/not-your-place
