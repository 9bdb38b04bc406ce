"""The texts of EVE lines, by kind, with ``<column>`` places.

Each shape is a real line (OISF's own test outputs) with its values taken out; field names and their order follow
Suricata 7.0's ``output-json*.c``.
"""

from __future__ import annotations

from seawall.flow.simulator.rows import Kind

_HEAD = '{"timestamp":"<second>.<micro>+0000","flow_id":<flow>,"in_iface":"eth0","event_type":"%s",'
_OUT = '"src_ip":"<client>","src_port":<port_client>,"dest_ip":"<server>","dest_port":<port>,"proto":"%s",'
_BACK = '"src_ip":"<server>","src_port":<port>,"dest_ip":"<client>","dest_port":<port_client>,"proto":"%s",'
_WIRE = '"pkt_src":"wire/pcap",'
_TAIL = '"host":"<sensor>"}\n'
_HTTP = (
    '"http":{"hostname":"<site>","url":"<path>","http_user_agent":"<agent>","http_content_type":"<content>",'
    '"http_method":"<method>","protocol":"HTTP/1.1","status":<status>,"length":<bytes_back>},'
)
_TLS = (
    '"tls":{"subject":"CN=<site>","issuerdn":"C=ZZ, O=Example Trust, CN=R3","serial":"<serial>",'
    '"fingerprint":"<fingerprint>","sni":"<site>","version":"TLS 1.2","notbefore":"2026-01-02T00:00:00",'
    '"notafter":"2026-04-02T00:00:00",'
    '"ja3":{"hash":"<ja3>","string":"771,4865-4866-49195-49199,0-23-65281-10-11,29-23,0"},'
    '"ja3s":{"hash":"15af977ce25de452b96affa2addb1036","string":"771,4866,43-51"}},'
)
_SSH = (
    '"ssh":{"client":{"proto_version":"2.0","software_version":"<ssh_client>"},'
    '"server":{"proto_version":"2.0","software_version":"OpenSSH_9.2p1"}},'
)
_SMTP = '"smtp":{"helo":"mx.<site>","mail_from":"<mail_from>","rcpt_to":["<mail_to>"]},'
_EMAIL = '"email":{"status":"PARSE_DONE","attachment":["<attachment>"]},'
_SMB = (
    '"smb":{"id":<small>,"dialect":"3.11","command":"SMB2_COMMAND_CREATE","status":"STATUS_SUCCESS","status_code":"0x0",'
    '"session_id":<flow>,"tree_id":1,"filename":"<attachment>","disposition":"FILE_OPEN","access":"normal"},'
)
_FILE = (
    '"filename":"<file_name>","gaps":false,"state":"CLOSED","sha256":"<file>","stored":false,'
    '"size":<bytes_back>,"tx_id":0'
)
_COUNTS = '"pkts_toserver":<pkts>,"pkts_toclient":<pkts_back>,"bytes_toserver":<bytes>,"bytes_toclient":<bytes_back>,'
_QUERY = '"type":"query","id":<small>,"rrname":"<site>","rrtype":"<rrtype>","tx_id":0,"opcode":0'
_ANSWER = (
    '"type":"answer","id":<small>,"flags":"%s","qr":true,"rd":true,"ra":true,"opcode":0,"rrname":"<site>","rrtype":"A",'
)
_SOA = (
    '"authorities":[{"rrname":"test","rrtype":"SOA","ttl":899,"soa":{"mname":"a.nic.test","rname":"noc.nic.test",'
    '"serial":2026031500,"refresh":3600,"retry":1800,"expire":604800,"minimum":3600}}]'
)
_TCP = (
    '"tcp":{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"fin":true,"psh":true,"ack":true,'
    '"state":"closed","ts_max_regions":1,"tc_max_regions":1},'
)


def _flow(protocol: str, application: str, tcp: str) -> str:
    return (
        _HEAD % "flow" + _OUT % protocol + f'"app_proto":"{application}",'
        '"flow":{' + _COUNTS + '"start":"<started>.<micro>+0000","end":"<second>.<micro>+0000","age":<age>,'
        '"state":"closed","reason":"timeout","alerted":false},' + tcp + _TAIL
    )


def _alert(shown: str, application: str, direction: str = "to_server", protocol: str = "TCP") -> str:
    ends = (_OUT if direction == "to_server" else _BACK) % protocol
    flow = (
        '"flow":{' + _COUNTS + '"start":"<second>.<micro>+0000",'
        '"src_ip":"<client>","dest_ip":"<server>","src_port":<port_client>,"dest_port":<port>},'
    )
    head = _HEAD % "alert" + ends + _WIRE + '"tx_id":0,"alert":<alert>,'
    return head + shown + f'"app_proto":"{application}","direction":"{direction}",' + flow + _TAIL


SHAPES: dict[Kind, str] = {
    Kind.FLOW: _flow("TCP", "<application>", _TCP),
    Kind.FLOW_UDP: _flow("UDP", "dns", ""),
    Kind.DNS_QUERY: _HEAD % "dns" + _OUT % "UDP" + _WIRE + '"dns":{"version":2,' + _QUERY + "}," + _TAIL,
    Kind.DNS_ANSWER: _HEAD % "dns" + _OUT % "UDP" + _WIRE + '"dns":{"version":2,' + _ANSWER % "8180"
    + '"rcode":"NOERROR","answers":[{"rrname":"<site>","rrtype":"<rrtype>","ttl":<age>,"rdata":"<answer>"}],'
    '"grouped":{"<rrtype>":["<answer>"]}},' + _TAIL,
    Kind.DNS_NXDOMAIN: _HEAD % "dns" + _OUT % "UDP" + _WIRE + '"dns":{"version":2,' + _ANSWER % "8183"
    + '"rcode":"NXDOMAIN",' + _SOA + "}," + _TAIL,
    Kind.HTTP: _HEAD % "http" + _OUT % "TCP" + _WIRE + '"tx_id":0,' + _HTTP + _TAIL,
    Kind.TLS: _HEAD % "tls" + _OUT % "TCP" + _WIRE + _TLS + _TAIL,
    Kind.FILE: _HEAD % "fileinfo" + _BACK % "TCP" + _WIRE + _HTTP
    + '"app_proto":"http","fileinfo":{' + _FILE + "}," + _TAIL,
    Kind.SSH: _HEAD % "ssh" + _OUT % "TCP" + _WIRE + '"tx_id":0,' + _SSH + _TAIL,
    Kind.SMTP: _HEAD % "smtp" + _OUT % "TCP" + _WIRE + '"tx_id":0,' + _SMTP + _EMAIL + _TAIL,
    Kind.SMB: _HEAD % "smb" + _OUT % "TCP" + _WIRE + _SMB + _TAIL,
    Kind.ANOMALY: _HEAD % "anomaly" + _OUT % "TCP" + _WIRE + '"anomaly":{<anomaly>},' + _TAIL,
    Kind.STATS: '{"timestamp":"<second>.<micro>+0000","event_type":"stats","stats":{"uptime":<bytes>,'
    '"decoder":{"pkts":<bytes_back>,"bytes":<flow>,"invalid":0,"ipv4":<bytes_back>,"ipv6":<bytes>,"tcp":<bytes_back>,'
    '"udp":<bytes>,"avg_pkt_size":612,"max_pkt_size":1514},"tcp":{"syn":<pkts>,"synack":<pkts>,"rst":<pkts_back>,'
    '"sessions":<bytes>},"detect":{"engines":[{"id":0,"last_reload":"2026-03-01T00:00:00.000000+0000",'
    '"rules_loaded":22,"rules_failed":0,"rules_skipped":0}],"alert":<pkts>}},' + _TAIL,
    Kind.ALERT: _alert("", "failed"),
    Kind.ALERT_HTTP: _alert(_HTTP, "http"),
    Kind.ALERT_TLS: _alert(_TLS, "tls"),
    Kind.ALERT_FILE: _alert(_HTTP + '"files":[{' + _FILE + "}],", "http", "to_client"),
    Kind.ALERT_SSH: _alert(_SSH, "ssh"),
    Kind.ALERT_SMTP: _alert(_SMTP + _EMAIL, "smtp"),
    Kind.ALERT_SMB: _alert(_SMB, "smb"),
    Kind.ALERT_DNS: _alert('"dns":{"version":2,"answer":{"version":2,' + _ANSWER % "8183" + '"rcode":"NXDOMAIN"}},',
        "dns", "to_client", "UDP"),
}  # fmt: skip
