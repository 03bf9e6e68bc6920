/** A small zone of the shape that agents have; more lines go at its end. */
export function zoneText(zone: string, ...more: readonly string[]): string {
  return `$ORIGIN ${zone}.
$TTL 300
@                  300 IN SOA  ns1 hostmaster 1 3600 600 604800 1
@                  300 IN NS   ns1
ns1                300 IN A    127.0.0.1
node1              300 IN A    127.0.0.1
_ixjkey           3600 IN TXT  "v=ixj1; k=ed25519; p=epgigbmBgw71uDnNHVmsOTIbRrwotfeTfCl2BvLCUEg; u=bind; d=4"
_ixjkey.planner    300 IN TXT  "v=ixj1; k=ed25519; p=hYV1dReXoualIDbhvEU4QuKGYK3IcpciTv329dU3E-I; u=sign,bind; d=2; h=node1.${zone}"
_ixj.planner        60 IN SVCB 1 node1 alpn="ixj/1" port=4001
${more.join('\n')}
`
}
