"""The end of certificates, as openssl says it."""

import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from conformance.certificates import make_expired, make_self_signed

from processor.core.certificates import first_end_s


def said_by_openssl(path):
    run = ["openssl", "x509", "-enddate", "-noout", "-in", str(path)]
    text = subprocess.run(run, capture_output=True, check=True, text=True).stdout
    text = text.strip().replace("GMT", "+0000")
    return datetime.strptime(text, "notAfter=%b %d %H:%M:%S %Y %z").timestamp()


@pytest.mark.parametrize("make", [make_self_signed, make_expired])
def test_the_end_is_the_one_that_openssl_says(tmp_path, make):
    chain, _ = make(tmp_path)
    assert first_end_s(chain.read_bytes()) == said_by_openssl(chain)


def test_a_time_of_four_digits_and_the_first_of_several(tmp_path):
    """Guarantees: years from 2050 on are written otherwise; what ends first is what matters."""
    far, key = tmp_path / "far.pem", tmp_path / "far.key"
    run = "openssl req -x509 -newkey rsa:2048 -nodes -days 20000 -subj /CN=a -out {} -keyout {}"
    subprocess.run(run.format(far, key).split(), check=True, capture_output=True)
    assert first_end_s(far.read_bytes()) == said_by_openssl(far)
    near, _ = make_self_signed(tmp_path)
    assert first_end_s(far.read_bytes() + near.read_bytes()) == said_by_openssl(near)


def test_what_is_no_certificate_has_no_end(tmp_path):
    """Guarantees: whatever is cut off or damaged, nothing is raised."""
    chain: Path = make_self_signed(tmp_path)[0]
    pem = chain.read_bytes()
    assert first_end_s(b"") is None
    assert first_end_s(b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----") is None
    head, tail = b"-----BEGIN CERTIFICATE-----\n", b"\n-----END CERTIFICATE-----"
    body = pem.removeprefix(head)
    for size in range(4, 400, 4):
        first_end_s(head + body[:size] + tail)
