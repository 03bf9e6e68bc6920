/** The sign of ixj: some of these to some of those. */
export function Mark({ size = 26 }: { readonly size?: number }) {
  return (
    <svg class="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" />
      <path d="M9 10l14 12M9 22l14-12" />
      <circle cx="9" cy="10" r="3.2" />
      <circle cx="9" cy="22" r="3.2" />
      <circle cx="23" cy="10" r="3.2" />
      <circle cx="23" cy="22" r="3.2" />
    </svg>
  )
}
