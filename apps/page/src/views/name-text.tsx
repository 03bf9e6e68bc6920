/** A name whose own label stands out from those above it. */
export function NameText({ name }: { readonly name: string }) {
  const at = name.indexOf('.')
  if (at === -1) return <span class="name">{name}</span>
  return (
    <span class="name" title={name}>
      <b>{name.slice(0, at)}</b>
      <span class="above">{name.slice(at)}</span>
    </span>
  )
}
