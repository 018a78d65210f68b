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
trace.DescribePlace gln=9506000134352 name="Greenfield plant" city=Hohhot cityZh=呼和浩特 country=CN latitude=40.8426 longitude=111.749
trace.DescribePlace gln=9506000134352 name="Southern plant" latitude=-90 longitude=-180.000000
trace.DescribePlace gln=9506000134352 name="Half a point" latitude=40.8426          ! trace/coordinates
trace.DescribePlace gln=9506000134352 name="Beyond the pole" latitude=90.000001 longitude=0 ! trace/coordinates
trace.DescribePlace gln=9506000134352 name="Twice around" latitude=0 longitude=999  ! trace/coordinates
trace.DescribePlace gln=9506000134352 name="No number" latitude=NaN longitude=0     ! trace/coordinates
trace.DescribePlace gln=9506000134352 name="A comma" latitude="40,8" longitude=111  ! trace/coordinates
trace.DescribePlace gln=9506000134352 name="Too fine" latitude=40.1234567 longitude=111 ! trace/coordinates
as cheese
trace.DescribePlace gln=9506000134352 name="Our plant now"                ! trace/not-your-place
