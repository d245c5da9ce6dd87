"""Which URLs and addresses a webhook may have, and the tricks that are known to get around such a check."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from urllib3.util import parse_url

from comanda.domain.notifications.webhook_address import LOCAL_POLICY, MAX_URL, AddressPolicy, fault_in

PUBLIC = AddressPolicy()

TAKEN = [
    "https://shop.example.com",
    "https://shop.example.com/",
    "https://Shop.Example.COM/hooks/comanda?tenant=7&x=%C3%A7",
    "https://shop.example.com?tenant=7",
    "https://shop.example.com:8443/a/b;c=1,2/@me",
    "https://shop.example.com:443/",
    "https://xn--caf-dma.example.com/",
    "https://1.example.com/",
    "https://0x7f.1.example.com/",
    "https://8.8.8.8/",
    "https://[2606:4700:4700::1111]/",
]

TRICKS = {
    "its scheme is": [
        "http://shop.example.com/",
        "ftp://shop.example.com/",
        "file://shop.example.com/etc/passwd",
        "gopher://shop.example.com/",
        "HTTP://shop.example.com/",
        "httpss://shop.example.com/",
    ],
    "the form https://host/path": [
        "",
        "shop.example.com",
        "//shop.example.com/",
        "https:shop.example.com",
        "https:/shop.example.com/",
        "https:///shop.example.com/",
        "https://",
        "https://?a=b",
        "javascript:alert(1)",
        "data:text/plain,x",
        "file:///etc/passwd",
        "h+ttps://shop.example.com/",
        "url:https://shop.example.com/",
    ],
    "a user or a password": [
        "https://good.example.com@evil.example.com/",
        "https://good.example.com:443@127.0.0.1/",
        "https://user:password@shop.example.com/",
        "https://@shop.example.com/",
        "https://good.example.com%40@evil.example.com/",
    ],
    "a backslash or a fragment": [
        "https://good.example.com\\@evil.example.com/",
        "https:\\\\shop.example.com\\",
        "https://shop.example.com/#top",
        "https://evil.example.com#@good.example.com/",
    ],
    "a blank, a control character or one outside of ASCII": [
        " https://shop.example.com/",
        "https://shop.example.com/ ",
        "https://shop.example.com/a b",
        "https://shop.example.com/\r\nHost: evil",
        "https://shop.example.com/\t",
        "https://shop.example\n.com/",
        "https://shop.example.com/\x00",
        "https://shop.example.com/\x7f",
        "https://café.example.com/",
        "https://①②⑦.⓪.⓪.①/",
        "https://１２７.0.0.1/",  # noqa: RUF001 - full-width digits
        "https://127。0。0。1/",
        "https://ｅvil.example.com/",  # noqa: RUF001
        "https://shop.example.com/\u202e",
    ],
    "is not one that may be called": [
        "https://shop.example.com:22/",
        "https://shop.example.com:80/",
        "https://shop.example.com:8080/",
        "https://shop.example.com:65536/",
        "https://shop.example.com:99999/",
    ],
    "not written as usual": [
        "https://shop.example.com:/",
        "https://shop.example.com:0/",
        "https://shop.example.com:0443/",
        "https://shop.example.com:+443/",
        "https://shop.example.com:443:443/",
        "https://shop.example.com:https/",
        "https://:443/",
        "https://[::1/",
        "https://[::1]x/",
        "https://::1/",
    ],
    "percent-encoded": [
        "https://shop.example.com/<script>",
        "https://shop.example.com/{a}",
        "https://shop.example.com/%zz",
        "https://shop.example.com/%",
        'https://shop.example.com/"',
        "https://shop.example.com/^",
    ],
    "a name as the DNS has them": [
        "https://good.example.com%40evil.example.com/",
        "https://good.example.com%2f.evil.example.com/",
        "https://%31%32%37.0.0.1.example.com/",
        "https://shop.example.com./",
        "https://localhost./",
        "https://shop..example.com/",
        "https://.example.com/",
        "https://-shop.example.com/",
        "https://shop-.example.com/",
        "https://a_b.example.com/",
        "https://shop,example.com/",
        "https://*.example.com/",
        f"https://{'a' * 64}.example.com/",
        f"https://{'a.' * 124}example.com/",
        "https://127.0.0.1./",
    ],
    "on a local network only": [
        "https://localhost/",
        "https://LOCALHOST/",
        "https://a.localhost/",
        "https://printer.local/",
        "https://metadata.google.internal/computeMetadata/v1/",
        "https://instance-data.ec2.internal/",
        "https://router.home.arpa/",
        "https://1.0.0.127.in-addr.arpa/",
        "https://metadata/",
        "https://nas.lan/",
        "https://db.corp/",
        "https://localhost.localdomain/",
    ],
    "in a notation of its own": [
        "https://2130706433/",
        "https://127.1/",
        "https://127.0.1/",
        "https://0x7f.1/",
        "https://0x7f000001/",
        "https://0X7F.0.0.1/",
        "https://0177.0.0.1/",
        "https://017700000001/",
        "https://127.0.0.01/",
        "https://0/",
        "https://1.2.3.4.5/",
        "https://256.1.1.1/",
        "https://127.0.0.0x/",
        "https://evil.example.0x7f/",
        "https://[127.0.0.1]/",
        "https://[127.1]/",
        "https://[fe80::g]/",
        "https://[fe80::1%]/",
        "https://[::1::]/",
        "https://[]/",
        "https://[v1.fe80]/",
    ],
    "of one network interface": [
        "https://[fe80::1%eth0]/",
        "https://[2606:4700:4700::1111%eth0]/",
        "https://[2606:4700:4700::1111%25eth0]/",
    ],
    "an IP address that is written": [
        "https://[0:0:0:0:0:0:0:1]/",
        "https://[2606:4700:4700:0::1111]/",
        "https://[2606:4700:4700::0111]/",
        "https://[::ffff:127.0.0.1]/",
    ],
    "not a public IP address": [
        "https://127.0.0.1/",
        "https://127.255.255.254/",
        "https://0.0.0.0/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://172.31.255.255/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://169.254.170.2/",
        "https://100.64.0.1/",
        "https://100.100.100.200/",
        "https://192.0.0.192/",
        "https://192.0.2.1/",
        "https://198.18.0.1/",
        "https://198.51.100.1/",
        "https://203.0.113.1/",
        "https://192.88.99.1/",
        "https://224.0.0.1/",
        "https://240.0.0.1/",
        "https://255.255.255.255/",
        "https://[::]/",
        "https://[::1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::7f00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[64:ff9b:1::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[2001::7f00:1]/",
        "https://[fc00::1]/",
        "https://[fd00:ec2::254]/",
        "https://[fe80::1]/",
        "https://[fec0::1]/",
        "https://[ff02::1]/",
        "https://[2001:db8::1]/",
        "https://[3fff::1]/",
        "https://[100::1]/",
        "https://[5f00::1]/",
        "https://[4000::1]/",
    ],
}
EVERY_TRICK = [(url, says) for says, urls in TRICKS.items() for url in urls]


@pytest.mark.parametrize("url", TAKEN)
def test_a_public_https_url_is_taken(url: str) -> None:
    assert fault_in(url, PUBLIC) is None


@pytest.mark.parametrize(("url", "says"), EVERY_TRICK, ids=[ascii(url)[:70] for url, _ in EVERY_TRICK])
def test_a_trick_is_refused_with_its_reason(url: str, says: str) -> None:
    assert says in str(fault_in(url, PUBLIC))


def test_a_url_has_a_longest_length() -> None:
    url = "https://shop.example.com/"
    assert fault_in(url + "a" * (MAX_URL - len(url)), PUBLIC) is None
    assert "longer than 2048" in str(fault_in(url + "a" * (MAX_URL + 1 - len(url)), PUBLIC))


LOCAL_URLS = [
    "http://127.0.0.1:4581/hooks",
    "http://localhost:4581/hooks",
    "https://localhost/",
    "http://[::1]:4581/",
    "http://shop.localhost:4581/",
]


@pytest.mark.parametrize("url", LOCAL_URLS)
def test_the_local_stage_calls_its_own_machine(url: str) -> None:
    assert fault_in(url, LOCAL_POLICY) is None
    assert fault_in(url, PUBLIC)


@pytest.mark.parametrize(
    "url",
    [
        "http://192.168.1.1/",
        "http://169.254.169.254/",
        "http://[::ffff:7f00:1]/",
        "http://2130706433/",
        "http://metadata.google.internal/",
        "ftp://localhost/",
        "http://localhost:65536/",
    ],
)
def test_and_nothing_else_of_its_network(url: str) -> None:
    assert fault_in(url, LOCAL_POLICY)


ADDRESSES = st.ip_addresses(v=4) | st.ip_addresses(v=6)


@given(ADDRESSES)
@example(ip_address("192.0.0.8"))
@example(ip_address("100.127.255.255"))
def test_what_python_knows_to_be_not_public_is_not(address: IPv4Address | IPv6Address) -> None:
    """Python's own table agrees, as far as it goes."""
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_link_local:
        assert not PUBLIC.allows(address)


@given(st.ip_addresses(v=4))
def test_no_address_inside_another_gets_through(address: IPv4Address) -> None:
    """IPv4 in IPv6, in each of the ways there are (RFC 4291, 6052, 3056, 4380)."""
    number = int(address)
    inside = [
        number,
        (0xFFFF << 32) + number,
        (0x64FF9B << 96) + number,
        (0x2002 << 112) + (number << 80),
        (0x20010000 << 96) + (number ^ 0xFFFFFFFF),
    ]
    assert not any(PUBLIC.allows(IPv6Address(each)) for each in inside)
    assert not any(LOCAL_POLICY.allows(IPv6Address(each)) for each in inside if each != 1)


@given(st.ip_addresses(v=4))
@example(ip_address("127.0.0.1"))
def test_an_ipv4_address_has_one_notation(address: IPv4Address) -> None:
    """Whatever else the system's resolver would take for this address (inet_aton(3)) is refused."""
    a, b, c, d = address.packed
    assume(a)  # 0.x.x.x is in 0.0.0.0/8, and refused anyhow.
    others = [
        str(int(address)),
        hex(int(address)),
        f"0{int(address):o}",
        f"{a}.{(b << 16) + (c << 8) + d}",
        f"{a}.{b}.{(c << 8) + d}",
        f"0{a:o}.{b}.{c}.{d}",
        f"{a}.{b}.{c}.{d:#x}",
    ]
    for other in others:
        if other != str(address):
            assert socket.inet_aton(other) == address.packed
            assert fault_in(f"https://{other}/", PUBLIC)


NAMES = ["good.example.com", "evil.example.com", "127.0.0.1", "localhost", "::1", "0x7f", "xn--", "443", "%40", "%2e"]
PIECES = st.sampled_from("@:/?#\\[].-;=&%a1") | st.sampled_from(NAMES)


@given(st.lists(PIECES, max_size=8).map(lambda pieces: "https://" + "".join(pieces)) | st.text(max_size=40))
@example("https://good.example.com/@evil.example.com")
@example("https://good.example.com?@evil.example.com")
@example("https://good.example.com:8443?//evil.example.com")
def test_parsers_agree_about_what_is_taken(url: str) -> None:
    """The one that calls, and another: there is no URL that is checked as one host and called as another."""
    if fault_in(url, PUBLIC) is not None:
        return
    called, other = parse_url(url), urlsplit(url)
    assert called.host == other.netloc.rpartition("@")[2].removesuffix(f":{other.port}").lower()
    assert called.port == other.port
    assert called.auth is None
    assert called.host not in {"localhost", "127.0.0.1", "[::1]"}
