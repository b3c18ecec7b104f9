declare module 'virtual:icons' {
  const address: string;
  export default address;
}
declare module '*.css';
declare module 'aos' {
  const AOS: { init(options?: Record<string, unknown>): void; refresh(): void };
  export default AOS;
}

declare module '*.svg?url' {
  /** The address of the file. */
  const address: string;
  export default address;
}
