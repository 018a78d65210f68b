package scans

// City is a place that a shopper can choose who does not want to be located: its
// middle is all that is kept.
type City struct {
	Code, Name, NameZh string
	Country            string // ISO 3166-1 alpha-2
	Point
}

// Country is one of those that Cities lie in.
type Country struct{ Code, Name, NameZh string }

// fromCity is how far from a city's middle a point is called by its name, in km.
const fromCity = 60.0

// CityAt is the nearest city that a point belongs to.
func CityAt(p Point) (City, bool) {
	best, found := City{}, false
	for _, c := range Cities {
		if km := c.Km(p); km <= fromCity && (!found || km < best.Km(p)) {
			best, found = c, true
		}
	}
	return best, found
}

// CityOf finds a city by its code.
func CityOf(code string) (City, bool) {
	for _, c := range Cities {
		if c.Code == code {
			return c, true
		}
	}
	return City{}, false
}

// CountryOf finds a country by its code.
func CountryOf(code string) (Country, bool) {
	for _, c := range Countries {
		if c.Code == code {
			return c, true
		}
	}
	return Country{}, false
}

// Cities are large ones, by country.
var Cities = []City{
	{"beijing", "Beijing", "北京", "CN", Point{39.90, 116.41}},
	{"tianjin", "Tianjin", "天津", "CN", Point{39.08, 117.20}},
	{"shijiazhuang", "Shijiazhuang", "石家庄", "CN", Point{38.04, 114.51}},
	{"zhangjiakou", "Zhangjiakou", "张家口", "CN", Point{40.77, 114.89}},
	{"taiyuan", "Taiyuan", "太原", "CN", Point{37.87, 112.55}},
	{"hohhot", "Hohhot", "呼和浩特", "CN", Point{40.84, 111.75}},
	{"shenyang", "Shenyang", "沈阳", "CN", Point{41.80, 123.43}},
	{"dalian", "Dalian", "大连", "CN", Point{38.91, 121.61}},
	{"changchun", "Changchun", "长春", "CN", Point{43.88, 125.32}},
	{"harbin", "Harbin", "哈尔滨", "CN", Point{45.80, 126.53}},
	{"shanghai", "Shanghai", "上海", "CN", Point{31.23, 121.47}},
	{"nanjing", "Nanjing", "南京", "CN", Point{32.06, 118.80}},
	{"suzhou", "Suzhou", "苏州", "CN", Point{31.30, 120.58}},
	{"hangzhou", "Hangzhou", "杭州", "CN", Point{30.27, 120.16}},
	{"ningbo", "Ningbo", "宁波", "CN", Point{29.87, 121.54}},
	{"hefei", "Hefei", "合肥", "CN", Point{31.82, 117.23}},
	{"fuzhou", "Fuzhou", "福州", "CN", Point{26.07, 119.30}},
	{"xiamen", "Xiamen", "厦门", "CN", Point{24.48, 118.09}},
	{"nanchang", "Nanchang", "南昌", "CN", Point{28.68, 115.86}},
	{"jinan", "Jinan", "济南", "CN", Point{36.65, 117.12}},
	{"qingdao", "Qingdao", "青岛", "CN", Point{36.07, 120.38}},
	{"zhengzhou", "Zhengzhou", "郑州", "CN", Point{34.75, 113.63}},
	{"wuhan", "Wuhan", "武汉", "CN", Point{30.59, 114.31}},
	{"changsha", "Changsha", "长沙", "CN", Point{28.23, 112.94}},
	{"guangzhou", "Guangzhou", "广州", "CN", Point{23.13, 113.26}},
	{"shenzhen", "Shenzhen", "深圳", "CN", Point{22.54, 114.06}},
	{"nanning", "Nanning", "南宁", "CN", Point{22.82, 108.37}},
	{"haikou", "Haikou", "海口", "CN", Point{20.04, 110.34}},
	{"chongqing", "Chongqing", "重庆", "CN", Point{29.56, 106.55}},
	{"chengdu", "Chengdu", "成都", "CN", Point{30.57, 104.07}},
	{"guiyang", "Guiyang", "贵阳", "CN", Point{26.65, 106.63}},
	{"kunming", "Kunming", "昆明", "CN", Point{25.04, 102.71}},
	{"lhasa", "Lhasa", "拉萨", "CN", Point{29.65, 91.11}},
	{"xian", "Xi'an", "西安", "CN", Point{34.34, 108.94}},
	{"lanzhou", "Lanzhou", "兰州", "CN", Point{36.06, 103.83}},
	{"xining", "Xining", "西宁", "CN", Point{36.62, 101.78}},
	{"yinchuan", "Yinchuan", "银川", "CN", Point{38.49, 106.23}},
	{"urumqi", "Urumqi", "乌鲁木齐", "CN", Point{43.83, 87.62}},
	{"hongkong", "Hong Kong", "香港", "HK", Point{22.32, 114.17}},
	{"macao", "Macao", "澳门", "MO", Point{22.20, 113.54}},
	{"taipei", "Taipei", "台北", "TW", Point{25.03, 121.57}},
	{"tokyo", "Tokyo", "东京", "JP", Point{35.68, 139.69}},
	{"osaka", "Osaka", "大阪", "JP", Point{34.69, 135.50}},
	{"seoul", "Seoul", "首尔", "KR", Point{37.57, 126.98}},
	{"ulaanbaatar", "Ulaanbaatar", "乌兰巴托", "MN", Point{47.89, 106.91}},
	{"singapore", "Singapore", "新加坡", "SG", Point{1.35, 103.82}},
	{"kualalumpur", "Kuala Lumpur", "吉隆坡", "MY", Point{3.14, 101.69}},
	{"bangkok", "Bangkok", "曼谷", "TH", Point{13.76, 100.50}},
	{"hanoi", "Hanoi", "河内", "VN", Point{21.03, 105.85}},
	{"hochiminh", "Ho Chi Minh City", "胡志明市", "VN", Point{10.82, 106.63}},
	{"manila", "Manila", "马尼拉", "PH", Point{14.60, 120.98}},
	{"jakarta", "Jakarta", "雅加达", "ID", Point{-6.21, 106.85}},
	{"delhi", "Delhi", "德里", "IN", Point{28.61, 77.21}},
	{"mumbai", "Mumbai", "孟买", "IN", Point{19.08, 72.88}},
	{"karachi", "Karachi", "卡拉奇", "PK", Point{24.86, 67.00}},
	{"almaty", "Almaty", "阿拉木图", "KZ", Point{43.24, 76.89}},
	{"moscow", "Moscow", "莫斯科", "RU", Point{55.76, 37.62}},
	{"vladivostok", "Vladivostok", "符拉迪沃斯托克", "RU", Point{43.12, 131.89}},
	{"dubai", "Dubai", "迪拜", "AE", Point{25.20, 55.27}},
	{"riyadh", "Riyadh", "利雅得", "SA", Point{24.71, 46.68}},
	{"istanbul", "Istanbul", "伊斯坦布尔", "TR", Point{41.01, 28.98}},
	{"cairo", "Cairo", "开罗", "EG", Point{30.04, 31.24}},
	{"lagos", "Lagos", "拉各斯", "NG", Point{6.52, 3.38}},
	{"nairobi", "Nairobi", "内罗毕", "KE", Point{-1.29, 36.82}},
	{"johannesburg", "Johannesburg", "约翰内斯堡", "ZA", Point{-26.20, 28.05}},
	{"amsterdam", "Amsterdam", "阿姆斯特丹", "NL", Point{52.37, 4.90}},
	{"rotterdam", "Rotterdam", "鹿特丹", "NL", Point{51.92, 4.48}},
	{"brussels", "Brussels", "布鲁塞尔", "BE", Point{50.85, 4.35}},
	{"berlin", "Berlin", "柏林", "DE", Point{52.52, 13.41}},
	{"munich", "Munich", "慕尼黑", "DE", Point{48.14, 11.58}},
	{"paris", "Paris", "巴黎", "FR", Point{48.86, 2.35}},
	{"london", "London", "伦敦", "GB", Point{51.51, -0.13}},
	{"dublin", "Dublin", "都柏林", "IE", Point{53.35, -6.26}},
	{"madrid", "Madrid", "马德里", "ES", Point{40.42, -3.70}},
	{"lisbon", "Lisbon", "里斯本", "PT", Point{38.72, -9.14}},
	{"rome", "Rome", "罗马", "IT", Point{41.90, 12.50}},
	{"milan", "Milan", "米兰", "IT", Point{45.46, 9.19}},
	{"zurich", "Zurich", "苏黎世", "CH", Point{47.37, 8.54}},
	{"vienna", "Vienna", "维也纳", "AT", Point{48.21, 16.37}},
	{"warsaw", "Warsaw", "华沙", "PL", Point{52.23, 21.01}},
	{"copenhagen", "Copenhagen", "哥本哈根", "DK", Point{55.68, 12.57}},
	{"stockholm", "Stockholm", "斯德哥尔摩", "SE", Point{59.33, 18.07}},
	{"oslo", "Oslo", "奥斯陆", "NO", Point{59.91, 10.75}},
	{"helsinki", "Helsinki", "赫尔辛基", "FI", Point{60.17, 24.94}},
	{"newyork", "New York", "纽约", "US", Point{40.71, -74.01}},
	{"losangeles", "Los Angeles", "洛杉矶", "US", Point{34.05, -118.24}},
	{"chicago", "Chicago", "芝加哥", "US", Point{41.88, -87.63}},
	{"toronto", "Toronto", "多伦多", "CA", Point{43.65, -79.38}},
	{"vancouver", "Vancouver", "温哥华", "CA", Point{49.28, -123.12}},
	{"mexicocity", "Mexico City", "墨西哥城", "MX", Point{19.43, -99.13}},
	{"saopaulo", "São Paulo", "圣保罗", "BR", Point{-23.55, -46.63}},
	{"buenosaires", "Buenos Aires", "布宜诺斯艾利斯", "AR", Point{-34.60, -58.38}},
	{"santiago", "Santiago", "圣地亚哥", "CL", Point{-33.45, -70.67}},
	{"sydney", "Sydney", "悉尼", "AU", Point{-33.87, 151.21}},
	{"melbourne", "Melbourne", "墨尔本", "AU", Point{-37.81, 144.96}},
	{"auckland", "Auckland", "奥克兰", "NZ", Point{-36.85, 174.76}},
}

// Countries are those of the cities, in their order.
var Countries = []Country{
	{"CN", "China", "中国"},
	{"HK", "Hong Kong, China", "中国香港"},
	{"MO", "Macao, China", "中国澳门"},
	{"TW", "Taiwan, China", "中国台湾"},
	{"JP", "Japan", "日本"},
	{"KR", "South Korea", "韩国"},
	{"MN", "Mongolia", "蒙古国"},
	{"SG", "Singapore", "新加坡"},
	{"MY", "Malaysia", "马来西亚"},
	{"TH", "Thailand", "泰国"},
	{"VN", "Vietnam", "越南"},
	{"PH", "Philippines", "菲律宾"},
	{"ID", "Indonesia", "印度尼西亚"},
	{"IN", "India", "印度"},
	{"PK", "Pakistan", "巴基斯坦"},
	{"KZ", "Kazakhstan", "哈萨克斯坦"},
	{"RU", "Russia", "俄罗斯"},
	{"AE", "United Arab Emirates", "阿联酋"},
	{"SA", "Saudi Arabia", "沙特阿拉伯"},
	{"TR", "Türkiye", "土耳其"},
	{"EG", "Egypt", "埃及"},
	{"NG", "Nigeria", "尼日利亚"},
	{"KE", "Kenya", "肯尼亚"},
	{"ZA", "South Africa", "南非"},
	{"NL", "Netherlands", "荷兰"},
	{"BE", "Belgium", "比利时"},
	{"DE", "Germany", "德国"},
	{"FR", "France", "法国"},
	{"GB", "United Kingdom", "英国"},
	{"IE", "Ireland", "爱尔兰"},
	{"ES", "Spain", "西班牙"},
	{"PT", "Portugal", "葡萄牙"},
	{"IT", "Italy", "意大利"},
	{"CH", "Switzerland", "瑞士"},
	{"AT", "Austria", "奥地利"},
	{"PL", "Poland", "波兰"},
	{"DK", "Denmark", "丹麦"},
	{"SE", "Sweden", "瑞典"},
	{"NO", "Norway", "挪威"},
	{"FI", "Finland", "芬兰"},
	{"US", "United States", "美国"},
	{"CA", "Canada", "加拿大"},
	{"MX", "Mexico", "墨西哥"},
	{"BR", "Brazil", "巴西"},
	{"AR", "Argentina", "阿根廷"},
	{"CL", "Chile", "智利"},
	{"AU", "Australia", "澳大利亚"},
	{"NZ", "New Zealand", "新西兰"},
}
