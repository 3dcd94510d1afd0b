"""Names of places and carriers in Chinese and English, as short as people say them."""

from __future__ import annotations

import functools
import re

import msgspec
from babel import Locale


class Named(msgspec.Struct, frozen=True):
    """A name in both languages; the English one is empty where there is none."""

    zh: str = ""
    en: str = ""

    def __bool__(self) -> bool:
        return bool(self.zh)

    def of(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


NOTHING = Named()

PROVINCES = {
    "北京": "Beijing", "天津": "Tianjin", "河北": "Hebei", "山西": "Shanxi", "内蒙古": "Inner Mongolia",
    "辽宁": "Liaoning", "吉林": "Jilin", "黑龙江": "Heilongjiang", "上海": "Shanghai", "江苏": "Jiangsu",
    "浙江": "Zhejiang", "安徽": "Anhui", "福建": "Fujian", "江西": "Jiangxi", "山东": "Shandong", "河南": "Henan",
    "湖北": "Hubei", "湖南": "Hunan", "广东": "Guangdong", "广西": "Guangxi", "海南": "Hainan", "重庆": "Chongqing",
    "四川": "Sichuan", "贵州": "Guizhou", "云南": "Yunnan", "西藏": "Tibet", "陕西": "Shaanxi", "甘肃": "Gansu",
    "青海": "Qinghai", "宁夏": "Ningxia", "新疆": "Xinjiang", "香港": "Hong Kong", "澳门": "Macao", "台湾": "Taiwan",
}  # fmt: skip
CARRIERS = {
    "电信": "China Telecom", "联通": "China Unicom", "移动": "China Mobile", "广电": "China Broadnet",
    "铁通": "China Tietong", "教育网": "CERNET", "鹏博士": "Dr. Peng", "阿里云": "Alibaba Cloud",
    "腾讯云": "Tencent Cloud", "华为云": "Huawei Cloud",
}  # fmt: skip
COUNTRIES = {
    "刚果金": "CD", "刚果布": "CG", "波黑": "BA", "阿联酋": "AE", "多米尼加": "DO", "马其顿": "MK", "巴勒斯坦": "PS",
    "圣马丁": "MF", "荷属圣马丁": "SX", "斯威士兰": "SZ", "孟加拉": "BD", "法国南部领地": "TF",
    "英属印度洋领地": "IO", "梵蒂冈": "VA", "全球": "001", "欧洲": "150", "拉美地区": "419", "北美地区": "021",
    "非洲": "002", "非洲地区": "002",
}  # fmt: skip
"""Where the lists of addresses say it otherwise than CLDR does."""
_PROVINCE = re.compile(f"({'|'.join(PROVINCES)})(省|市|壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区|区)?")
_PEOPLES = re.compile(
    "(蒙古族|蒙古|藏族|羌族|彝族|哈尼族|朝鲜族|白族|回族|苗族|侗族|布依族|哈萨克|土家族|壮族|傈僳族|傣族|景颇族|柯尔克孜)+自治州$"
)


def province_of(text: str) -> tuple[Named, str]:
    """The province that a Chinese address begins with, and what stands behind it."""
    found = _PROVINCE.match(text)
    if found is None:
        return NOTHING, text
    return Named(found[1], PROVINCES[found[1]]), text[found.end() :]


def short_city(text: str) -> str:
    """``宁波市`` → ``宁波``, ``凉山彝族自治州`` → ``凉山``."""
    plain = _PEOPLES.sub("", text.strip())
    return plain.removesuffix("市") if len(plain) > 2 else plain


def carrier_of(text: str) -> Named:
    """``中国电信公众宽带`` and ``电信`` → 电信."""
    plain = text.strip().removeprefix("中国")
    for zh, en in CARRIERS.items():
        if plain.startswith(zh):
            return Named(zh, en)
    return Named(text.strip(), text.strip() if text.isascii() else "")


@functools.cache
def country_of(zh: str) -> Named:
    chinese, english = Locale("zh").territories, Locale("en").territories
    code = COUNTRIES.get(zh) or next((code for code, name in chinese.items() if name == zh), "")
    return Named(zh, english.get(code, "").removesuffix(" China") if code else "")
