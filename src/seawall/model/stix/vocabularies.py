"""The open vocabularies and enumerations of STIX 2.1 part 10, one line of words each."""

from __future__ import annotations

_WORDS = {
    "account-type-ov": "unix windows-local windows-domain ldap tacacs radius nis openid facebook skype twitter kavi",
    "attack-motivation-ov": (
        "accidental coercion dominance ideology notoriety organizational-gain personal-gain personal-satisfaction "
        "revenge unpredictable"
    ),
    "attack-resource-level-ov": "individual club contest team organization government",
    "encryption-algorithm-enum": "AES-256-GCM ChaCha20-Poly1305 mime-type-indicated",
    "extension-type-enum": "new-sdo new-sco new-sro property-extension toplevel-property-extension",
    "grouping-context-ov": "suspicious-activity malware-analysis unspecified",
    "hash-algorithm-ov": "MD5 SHA-1 SHA-256 SHA-512 SHA3-256 SHA3-512 SSDEEP TLSH",
    "identity-class-ov": "individual group system organization class unknown",
    "implementation-language-ov": (
        "applescript bash c c++ c# go java javascript lua objective-c perl php powershell python ruby scala swift "
        "typescript visual-basic x86-32 x86-64"
    ),
    "indicator-type-ov": "anomalous-activity anonymization benign compromised malicious-activity attribution unknown",
    "industry-sector-ov": (
        "agriculture aerospace automotive chemical commercial communications construction defense education energy "
        "entertainment financial-services government emergency-services government-local government-national "
        "government-public-services government-regional healthcare hospitality-leisure infrastructure dams nuclear "
        "water insurance manufacturing mining non-profit pharmaceuticals retail technology telecommunications "
        "transportation utilities"
    ),
    "infrastructure-type-ov": (
        "amplification anonymization botnet command-and-control control-system exfiltration firewall "
        "hosting-malware hosting-target-lists phishing reconnaissance routers-switches staging workstation unknown"
    ),
    "malware-capabilities-ov": (
        "accesses-remote-machines anti-debugging anti-disassembly anti-emulation anti-memory-forensics "
        "anti-sandbox anti-vm captures-input-peripherals captures-output-peripherals captures-system-state-data "
        "cleans-traces-of-infection commits-fraud communicates-with-c2 compromises-data-availability "
        "compromises-data-integrity compromises-system-availability controls-local-machine "
        "degrades-security-software degrades-system-updates determines-c2-server emails-spam escalates-privileges "
        "evades-av exfiltrates-data fingerprints-host hides-artifacts hides-executing-code infects-files "
        "infects-remote-machines installs-other-components persists-after-system-reboot prevents-artifact-access "
        "prevents-artifact-deletion probes-network-environment self-modifies steals-authentication-credentials "
        "violates-system-operational-integrity"
    ),
    "malware-result-ov": "malicious suspicious benign unknown",
    "malware-type-ov": (
        "adware backdoor bot bootkit ddos downloader dropper exploit-kit keylogger ransomware remote-access-trojan "
        "resource-exploitation rogue-security-software rootkit screen-capture spyware trojan unknown virus "
        "webshell wiper worm"
    ),
    "network-socket-address-family-enum": "AF_UNSPEC AF_INET AF_IPX AF_APPLETALK AF_NETBIOS AF_INET6 AF_IRDA AF_BTH",
    "network-socket-type-enum": "SOCK_STREAM SOCK_DGRAM SOCK_RAW SOCK_RDM SOCK_SEQPACKET",
    "opinion-enum": "strongly-disagree disagree neutral agree strongly-agree",
    "pattern-type-ov": "stix pcre sigma snort suricata yara",
    "processor-architecture-ov": "alpha arm ia-64 mips powerpc sparc x86 x86-64",
    "region-ov": (
        "africa eastern-africa middle-africa northern-africa southern-africa western-africa americas "
        "latin-america-caribbean south-america caribbean central-america northern-america asia central-asia "
        "eastern-asia southern-asia south-eastern-asia western-asia europe eastern-europe northern-europe "
        "southern-europe western-europe oceania australia-new-zealand melanesia micronesia polynesia antarctica"
    ),
    "report-type-ov": (
        "threat-report attack-pattern campaign identity indicator intrusion-set malware observed-data threat-actor "
        "tool vulnerability"
    ),
    "threat-actor-role-ov": (
        "agent director independent infrastructure-architect infrastructure-operator malware-author sponsor"
    ),
    "threat-actor-sophistication-ov": "none minimal intermediate advanced expert innovator strategic",
    "threat-actor-type-ov": (
        "activist competitor crime-syndicate criminal hacker insider-accidental insider-disgruntled nation-state "
        "sensationalist spy terrorist unknown"
    ),
    "tool-type-ov": (
        "denial-of-service exploitation information-gathering network-capture credential-exploitation "
        "remote-access vulnerability-scanning unknown"
    ),
    "windows-integrity-level-enum": "low medium high system",
    "windows-pebinary-type-ov": "exe dll sys",
    "windows-registry-datatype-enum": (
        "REG_NONE REG_SZ REG_EXPAND_SZ REG_BINARY REG_DWORD REG_DWORD_BIG_ENDIAN REG_DWORD_LITTLE_ENDIAN REG_LINK "
        "REG_MULTI_SZ REG_RESOURCE_LIST REG_FULL_RESOURCE_DESCRIPTION REG_RESOURCE_REQUIREMENTS_LIST REG_QWORD "
        "REG_INVALID_TYPE"
    ),
    "windows-service-start-type-enum": (
        "SERVICE_AUTO_START SERVICE_BOOT_START SERVICE_DEMAND_START SERVICE_DISABLED SERVICE_SYSTEM_ALERT"
    ),
    "windows-service-status-enum": (
        "SERVICE_CONTINUE_PENDING SERVICE_PAUSE_PENDING SERVICE_PAUSED SERVICE_RUNNING SERVICE_START_PENDING "
        "SERVICE_STOP_PENDING SERVICE_STOPPED"
    ),
    "windows-service-type-enum": (
        "SERVICE_KERNEL_DRIVER SERVICE_FILE_SYSTEM_DRIVER SERVICE_WIN32_OWN_PROCESS SERVICE_WIN32_SHARE_PROCESS"
    ),
    # of extensions, see known_extensions
    "seawall-property-extension": "property-extension",
    "seawall-new-sco": "new-sco",
    "seawall-tlp-2-0": "clear green amber amber+strict red",
    "seawall-iep-encrypt": "must may",
    "seawall-iep-may": "may must-not",
    "seawall-iep-tlp": "red amber green white",
    "seawall-iep-attribution": "may must must-not",
    "seawall-iep-actions": (
        "none contact-for-instruction internally-visible-actions externally-visible-indirect-actions "
        "externally-visible-direct-actions"
    ),
    "seawall-incident-determination": "blocked confirmed failed-attempt false-positive suspected",
    "seawall-incident-status": "new open closed",
    "seawall-incident-recoverability": "regular supplemented extended not-recoverable not-applicable",
    "seawall-chip-stage": "design fabrication assembly-testing-packaging materials equipment",
    "seawall-misp-part": "event attribute object report sighting reference cluster data",
    "seawall-answer": "confirmed refuted",
    "seawall-flaw-status": "not_affected affected fixed under_investigation",
    "seawall-hunt-form": "sigma query",
    "seawall-hunt-tier": "not_run no yes count details",
}

VOCABULARIES: dict[str, frozenset[str]] = {name: frozenset(words.split()) for name, words in _WORDS.items()}

# The relationships that part 4 and 6 suggest: source type -> relationship type -> target types.
# "derived-from", "duplicate-of" and "related-to" are for any (3.7).
COMMON_RELATIONSHIPS = frozenset({"derived-from", "duplicate-of", "related-to"})

_SUGGESTED = {
    "attack-pattern": {
        "delivers": "malware",
        "targets": "location vulnerability identity",
        "uses": "malware tool",
    },
    "campaign": {
        "attributed-to": "intrusion-set threat-actor",
        "compromises": "infrastructure",
        "originates-from": "location",
        "targets": "location identity vulnerability",
        "uses": "attack-pattern infrastructure malware tool",
    },
    "course-of-action": {
        "investigates": "indicator",
        "mitigates": "attack-pattern indicator malware tool vulnerability",
        "remediates": "malware vulnerability",
    },
    "domain-name": {
        "resolves-to": "domain-name ipv4-addr ipv6-addr",
    },
    "identity": {
        "located-at": "location",
    },
    "indicator": {
        "indicates": "attack-pattern campaign infrastructure intrusion-set malware threat-actor tool",
        "based-on": "observed-data",
    },
    "infrastructure": {
        "communicates-with": "infrastructure ipv4-addr ipv6-addr domain-name url",
        "consists-of": (
            "infrastructure observed-data artifact autonomous-system directory domain-name email-addr "
            "email-message file ipv4-addr ipv6-addr mac-addr mutex network-traffic process software url "
            "user-account windows-registry-key x509-certificate"
        ),
        "controls": "infrastructure malware",
        "delivers": "malware",
        "has": "vulnerability",
        "hosts": "tool malware",
        "located-at": "location",
        "uses": "infrastructure",
    },
    "intrusion-set": {
        "attributed-to": "threat-actor",
        "compromises": "infrastructure",
        "hosts": "infrastructure",
        "originates-from": "location",
        "owns": "infrastructure",
        "targets": "identity location vulnerability",
        "uses": "attack-pattern infrastructure malware tool",
    },
    "ipv4-addr": {
        "resolves-to": "mac-addr",
        "belongs-to": "autonomous-system",
    },
    "ipv6-addr": {
        "resolves-to": "mac-addr",
        "belongs-to": "autonomous-system",
    },
    "malware": {
        "authored-by": "threat-actor intrusion-set",
        "beacons-to": "infrastructure",
        "exfiltrates-to": "infrastructure",
        "communicates-with": "ipv4-addr ipv6-addr domain-name url",
        "controls": "malware",
        "downloads": "malware file tool",
        "drops": "malware file tool",
        "exploits": "vulnerability",
        "originates-from": "location",
        "targets": "identity infrastructure location",
        "uses": "attack-pattern infrastructure malware tool",
        "variant-of": "malware",
    },
    "malware-analysis": {
        "characterizes": "malware",
        "analysis-of": "malware",
        "static-analysis-of": "malware",
        "dynamic-analysis-of": "malware",
    },
    "threat-actor": {
        "attributed-to": "identity",
        "compromises": "infrastructure",
        "hosts": "infrastructure",
        "owns": "infrastructure",
        "impersonates": "identity",
        "located-at": "location",
        "targets": "identity location vulnerability",
        "uses": "attack-pattern infrastructure malware tool",
    },
    "tool": {
        "delivers": "malware",
        "drops": "malware",
        "uses": "infrastructure",
        "has": "vulnerability",
        "targets": "identity infrastructure location vulnerability",
    },
}

SUGGESTED_RELATIONSHIPS: dict[str, dict[str, frozenset[str]]] = {
    source: {name: frozenset(targets.split()) for name, targets in relations.items()}
    for source, relations in _SUGGESTED.items()
}
