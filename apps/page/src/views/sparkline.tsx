/** Counts of the last seconds as a line; the newest is at the right. */
export function Sparkline({
  series,
  tone,
}: {
  readonly series: readonly number[]
  readonly tone: string
}) {
  const [width, height] = [160, 34]
  const most = Math.max(1, ...series)
  const step = width / Math.max(1, series.length - 1)
  const points = series.map(
    (count, index) =>
      `${(index * step).toFixed(1)},${(height - 2 - (count / most) * (height - 5)).toFixed(1)}`,
  )
  return (
    <svg
      class={`sparkline tone-${tone}`}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <polygon points={`0,${height} ${points.join(' ')} ${width},${height}`} />
      <polyline points={points.join(' ')} />
    </svg>
  )
}
